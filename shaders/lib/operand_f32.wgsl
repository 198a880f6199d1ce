// What the operands of a product are kept in, and how many of them deep a tile is.
alias Operand = f32;
const DEEP = 16u;
