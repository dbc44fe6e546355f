//! Faults, each in a world of its own, with what must come of it to the letter; and every one of these worlds again for
//! every point, and every two points, where the process can die.

mod faults {
    mod answers;
    mod clocks;
    mod disks;
    mod hosts;
    mod lost;
    mod money;
    mod refused;
    mod world;
}
