//! What sampling costs: power that the band limit and the window clip away.
