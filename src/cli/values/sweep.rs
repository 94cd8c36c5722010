//! The backlogs of `qviz sweep`: a list, or a range in which the smallest that suffices is searched.

use super::backlog;
use crate::say;

/// The backlogs to be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backlogs {
    /// Each of these, in ascending order.
    List(Vec<i32>),
    /// From the first to the last: the smallest that loses nobody.
    Range(i32, i32),
}

/// `5,64,511` or `1..4096`.
///
/// # Errors
/// What is allowed, in words.
pub fn backlogs(text: &str) -> Result<Backlogs, String> {
    if let Some((low, high)) = text.split_once("..") {
        let (low, high) = (backlog(low)?, backlog(high)?);
        return if low <= high {
            Ok(Backlogs::Range(low, high))
        } else {
            Err(say!("the range goes from the smaller to the larger: {high}..{low}", high, low))
        };
    }
    let mut list = text.split(',').map(backlog).collect::<Result<Vec<_>, _>>()?;
    list.sort_unstable();
    list.dedup();
    Ok(Backlogs::List(list))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_sorted_and_a_range_has_two_ends() {
        assert_eq!(backlogs("64, 5,511,5"), Ok(Backlogs::List(vec![5, 64, 511])));
        assert_eq!(backlogs("1..4096"), Ok(Backlogs::Range(1, 4096)));
        assert_eq!(backlogs("7"), Ok(Backlogs::List(vec![7])));
        for (wrong, why) in
            [("512..1", "1..512"), ("", "such as"), ("1..", "such as"), ("1,x", "such as"), ("-1", "somaxconn")]
        {
            let message = backlogs(wrong).unwrap_err();
            assert!(message.contains(why), "{wrong}: {message}");
        }
    }
}
