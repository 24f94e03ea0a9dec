import { JobsNotConfiguredError } from "#src/jobs/application/job-errors.ts";
import type { Logger } from "#src/kernel/logger.ts";
import type { Transaction } from "#src/kernel/unit-of-work.ts";
import { reminderDue, type WorkspaceInvite } from "../domain/workspace-invite.ts";

/**
 * Has the reminder of a new invite sent later: there is no invite without it, nor it without the
 * invite. Where no provider is configured an invite is worth having all the same.
 */
export async function enqueueReminder(
  jobs: Transaction["jobs"],
  { id: inviteId, createdAt }: WorkspaceInvite,
  log: Logger,
): Promise<void> {
  const options = { runAt: reminderDue(createdAt), jobKey: inviteId };
  try {
    await jobs.enqueue("workspaces.invites.send-reminder", { inviteId }, options);
  } catch (err) {
    if (!(err instanceof JobsNotConfiguredError)) throw err;
    log.warn({ err, inviteId }, "the invite has no reminder");
  }
}
