//! Scripts, lessons and their files.

#[path = "scenario/condition.rs"]
mod condition;
#[path = "scenario/condition_grammar.rs"]
mod condition_grammar;
#[path = "scenario/facts.rs"]
mod facts;
#[path = "scenario/lesson.rs"]
mod lesson;
#[path = "scenario/outcome.rs"]
mod outcome;
#[path = "scenario/parse.rs"]
mod parse;
#[path = "scenario/player.rs"]
mod player;
#[path = "scenario/words.rs"]
mod words;
