//! Numbered places that are used again and again: bounded memory for any number of connections, one after the other.

/// A place and how often it was given away: a key of an earlier tenant finds nobody. Fits into epoll's user data.
pub(in crate::lab) type Key = u64;

/// Values under keys; a freed place is used again.
#[derive(Debug)]
pub(in crate::lab) struct Slab<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

impl<T> Slab<T> {
    pub(in crate::lab) const fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }

    /// How many values there are.
    pub(in crate::lab) const fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(in crate::lab) fn insert(&mut self, value: T) -> Key {
        if let Some(index) = self.free.pop() {
            let place = &mut self.slots[index as usize];
            place.value = Some(value);
            key(index, place.generation)
        } else {
            self.slots.push(Slot { generation: 0, value: Some(value) });
            key(self.slots.len() as u32 - 1, 0)
        }
    }

    pub(in crate::lab) fn get(&self, key: Key) -> Option<&T> {
        let place = self.slots.get(index(key))?;
        if place.generation == generation(key) { place.value.as_ref() } else { None }
    }

    pub(in crate::lab) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let place = self.slots.get_mut(index(key))?;
        if place.generation == generation(key) { place.value.as_mut() } else { None }
    }

    pub(in crate::lab) fn remove(&mut self, key: Key) -> Option<T> {
        let place = self.slots.get_mut(index(key))?;
        if place.generation != generation(key) {
            return None;
        }
        let tenant = place.value.take()?;
        place.generation = place.generation.wrapping_add(1);
        self.free.push(index(key) as u32);
        Some(tenant)
    }

    /// Every value with its key.
    pub(in crate::lab) fn iter_mut(&mut self) -> impl Iterator<Item = (Key, &mut T)> {
        self.slots.iter_mut().enumerate().filter_map(|(index, place)| {
            let key = key(index as u32, place.generation);
            place.value.as_mut().map(|tenant| (key, tenant))
        })
    }
}

const fn key(index: u32, tenancy: u32) -> Key {
    (tenancy as u64) << 32 | index as u64
}

const fn index(key: Key) -> usize {
    key as u32 as usize
}

const fn generation(key: Key) -> u32 {
    (key >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_removed_value_finds_nothing() {
        let mut slab = Slab::new();
        let first = slab.insert('a');
        assert_eq!(slab.remove(first), Some('a'));
        let second = slab.insert('b');
        assert_eq!(slab.slots.len(), 1, "the place is used again");
        assert_eq!(slab.remove(first), None);
        assert_eq!(slab.get(first), None);
        assert_eq!((slab.get(second), slab.len()), (Some(&'b'), 1));
    }
}
