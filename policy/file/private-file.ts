/** Whether others may use a file that holds a secret, judged as ssh judges its keys. */

export interface FileAccess {
  /** Permissions and special bits, as `chmod` takes them. */
  readonly mode: number;
  /** User id of the owner. */
  readonly user: number;
}

const GROUP_AND_OTHERS = 0o077;
const ROOT = 0;

export function isOpenToOthers({ mode }: FileAccess): boolean {
  return (mode & GROUP_AND_OTHERS) !== 0;
}

/** Root reads every file anyway; any other owner could read ours, and put another in its place. */
export function isOfAnother({ user }: FileAccess, us: number): boolean {
  return user !== us && user !== ROOT;
}

export function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
