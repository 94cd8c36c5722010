//! One client's TCP life as a pure state machine: `now` comes in, segments and facts go out.
