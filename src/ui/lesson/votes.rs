//! The votes of a class on a question: each key counts one, and the choice with most of them becomes the prediction.

/// What was voted for, in the order in which it was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Votes(Vec<u8>);

/// The most choices that have a key.
pub const MOST_CHOICES: usize = 9;

impl Votes {
    /// One vote more for a choice, counted from 0.
    pub fn count(&mut self, choice: u8) {
        self.0.push(choice);
    }

    /// Without the last vote; false where there is none.
    pub fn take_back(&mut self) -> bool {
        self.0.pop().is_some()
    }

    /// How many each choice has.
    pub fn sums(&self) -> [u32; MOST_CHOICES] {
        let mut sums = [0; MOST_CHOICES];
        for choice in &self.0 {
            if let Some(sum) = sums.get_mut(usize::from(*choice)) {
                *sum += 1;
            }
        }
        sums
    }

    /// The choice with most votes, of several the one that had them first; `None` without a vote.
    pub fn winner(&self) -> Option<usize> {
        let most = self.sums().into_iter().max().filter(|most| *most > 0)?;
        let mut sums = [0; MOST_CHOICES];
        self.0.iter().map(|choice| usize::from(*choice)).find(|choice| {
            sums[*choice] += 1;
            sums[*choice] == most
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_with_most_votes_wins_and_of_two_alike_the_one_that_came_first() {
        let mut votes = Votes::default();
        assert_eq!(votes.winner(), None);
        for choice in [0, 2, 2, 1, 0] {
            votes.count(choice);
        }
        assert_eq!((votes.sums()[..3].to_vec(), votes.winner()), (vec![2, 1, 2], Some(2)));
        votes.count(0);
        assert_eq!(votes.winner(), Some(0));
        assert!(votes.take_back() && votes.winner() == Some(2));
        assert!(!Votes::default().take_back());
    }
}
