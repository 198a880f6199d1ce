//! Settings for a chip that shows output powers alone.
