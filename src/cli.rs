//! WORDS → PLAN: arguments, plan, exit codes, completions, man page.
