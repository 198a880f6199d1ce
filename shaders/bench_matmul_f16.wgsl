// bench_matmul with operands in f16.
// needs: operand_f16
// as: bench_matmul
