import { defineJob, type JobSpec } from "../application/define-job.ts";
import type { JobDefinition } from "../application/job-definition.ts";
import type { JsonValue } from "../application/job-types.ts";

declare global {
  namespace OrbitJobs {
    /** The jobs of the contract's cases. */
    interface Jobs {
      "contract.work": JsonValue;
      "contract.other": JsonValue;
    }
  }
}

export type ContractJobName = "contract.work" | "contract.other";

type ContractSpec = Omit<JobSpec<ContractJobName>, "name">;

/** Defines a job for a case, or for any test whose handler does not use the app's core. */
export function contractJob(
  name: ContractJobName,
  handler: ContractSpec["handler"],
  spec: Omit<ContractSpec, "handler"> = {},
): JobDefinition {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- no contract handler uses the core
  return defineJob({ ...spec, name, handler })({} as OrbitJobs.Core);
}
