//! A slab: numbered slots that are reused, so that memory is bounded by the number of concurrent connections.

/// A slot's index and generation: the key of a removed value finds nothing. Fits into epoll's user data.
pub(in crate::lab) type Key = u64;

/// Values by key; freed slots are reused.
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

    /// The number of values.
    pub(in crate::lab) const fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(in crate::lab) fn insert(&mut self, value: T) -> Key {
        if let Some(index) = self.free.pop() {
            let slot = &mut self.slots[index as usize];
            slot.value = Some(value);
            key(index, slot.generation)
        } else {
            self.slots.push(Slot { generation: 0, value: Some(value) });
            key(self.slots.len() as u32 - 1, 0)
        }
    }

    pub(in crate::lab) fn get(&self, key: Key) -> Option<&T> {
        let slot = self.slots.get(index(key))?;
        if slot.generation == generation(key) { slot.value.as_ref() } else { None }
    }

    pub(in crate::lab) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let slot = self.slots.get_mut(index(key))?;
        if slot.generation == generation(key) { slot.value.as_mut() } else { None }
    }

    pub(in crate::lab) fn remove(&mut self, key: Key) -> Option<T> {
        let slot = self.slots.get_mut(index(key))?;
        if slot.generation != generation(key) {
            return None;
        }
        let value = slot.value.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(index(key) as u32);
        Some(value)
    }

    /// All values with their keys.
    pub(in crate::lab) fn iter_mut(&mut self) -> impl Iterator<Item = (Key, &mut T)> {
        self.slots.iter_mut().enumerate().filter_map(|(index, slot)| {
            let key = key(index as u32, slot.generation);
            slot.value.as_mut().map(|value| (key, value))
        })
    }
}

const fn key(index: u32, generation: u32) -> Key {
    (generation as u64) << 32 | index as u64
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
