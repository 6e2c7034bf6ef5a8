//! A model directory on this machine.
