/** The environment variable with the number of the process's mutant. */
export const MUTANT_VARIABLE = "ORBIT_MUTANT";
