import type { Workspace } from "../domain/workspace.ts";
import type { WorkspaceInvite } from "../domain/workspace-invite.ts";

export interface WorkspaceRepository {
  /** `false` when the slug is taken. */
  add(workspace: Workspace): Promise<boolean>;
  findById(id: string): Promise<Workspace | undefined>;
  findBySlug(slug: string): Promise<Workspace | undefined>;
}

export interface WorkspaceInviteRepository {
  /** `false` when the address has an open invite to the workspace already. */
  add(invite: WorkspaceInvite): Promise<boolean>;
  findById(id: string): Promise<WorkspaceInvite | undefined>;
  /** Locked until the end of the transaction. */
  findByTokenForUpdate(token: string): Promise<WorkspaceInvite | undefined>;
  /** Newest first. */
  list(workspaceId: string, limit: number): Promise<readonly WorkspaceInvite[]>;
  markAccepted(id: string, at: Date): Promise<void>;
  /** Revokes an open invite of the workspace; `false` when there is none. */
  revoke(workspaceId: string, id: string, at: Date): Promise<boolean>;
  /** Revokes what the address was invited by before, if that has expired. */
  closeExpired(workspaceId: string, email: string, now: Date): Promise<void>;
  /** Deletes invites nobody accepted that expired before the cut-off, and returns how many. */
  deleteExpiredBefore(cutoff: Date): Promise<number>;
}

declare module "#src/kernel/unit-of-work.ts" {
  interface Transaction {
    readonly workspaces: WorkspaceRepository;
    readonly workspaceInvites: WorkspaceInviteRepository;
  }
}
