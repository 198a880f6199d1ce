// The operands of a product in half the bytes, so that a tile is twice as deep.
enable f16;
alias Operand = f16;
const DEEP = 32u;
