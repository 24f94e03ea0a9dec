/** Which mutant a process is to have. */
export const MUTANT_VARIABLE = "ORBIT_MUTANT";
