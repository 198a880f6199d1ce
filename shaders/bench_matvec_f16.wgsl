// bench_matvec with operands in f16.
// needs: operand_f16
// as: bench_matvec
