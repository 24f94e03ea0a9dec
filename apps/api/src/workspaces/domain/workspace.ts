export interface Workspace {
  readonly id: string;
  /** Unique, and part of URLs: 2 to 48 of a-z, 0-9 and inner hyphens. */
  readonly slug: string;
  readonly name: string;
  readonly createdAt: Date;
}
