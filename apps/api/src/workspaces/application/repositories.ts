import type { Workspace, WorkspaceInvite } from "../domain/workspace.ts";

export interface WorkspaceRepository {
  /** Returns `false` when the slug is taken. */
  add(workspace: Workspace): Promise<boolean>;
  findById(id: string): Promise<Workspace | undefined>;
  findBySlug(slug: string): Promise<Workspace | undefined>;
}

export interface WorkspaceInviteRepository {
  /** Returns `false` when the address already has an open invite to the workspace. */
  add(invite: WorkspaceInvite): Promise<boolean>;
  findById(id: string): Promise<WorkspaceInvite | undefined>;
  /** Locks the invite until the transaction ends. */
  findByTokenForUpdate(token: string): Promise<WorkspaceInvite | undefined>;
  /** Newest first. */
  list(workspaceId: string, limit: number): Promise<readonly WorkspaceInvite[]>;
  markAccepted(id: string, at: Date): Promise<void>;
  /** Revokes an open invite of the workspace. Returns `false` when there is none. */
  revoke(workspaceId: string, id: string, at: Date): Promise<boolean>;
  /** Revokes the open invite of the address if it has expired. */
  closeExpired(workspaceId: string, email: string, now: Date): Promise<void>;
  /** Deletes unaccepted invites that expired before the cut-off. Returns their number. */
  deleteExpiredBefore(cutoff: Date): Promise<number>;
}

declare module "#src/kernel/unit-of-work.ts" {
  interface Transaction {
    readonly workspaces: WorkspaceRepository;
    readonly workspaceInvites: WorkspaceInviteRepository;
  }
}
