//! What an answer looks like after a fault.
