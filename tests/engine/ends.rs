//! Scanners that end in ways that scanners end.
