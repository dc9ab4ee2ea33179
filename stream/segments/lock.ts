import { randomUUID } from 'node:crypto';
import {
  linkSync,
  lstatSync,
  readFileSync,
  renameSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { type Liveness, liveness, type ProcessIdentity, thisProcess } from './process.js';
import { type Monotonic, monotonic, SilenceWatch } from './silence.js';

/**
 * A lock between processes of one host: a file that names its holder and outlives a kill -9.
 *
 * It is taken by linking a complete file to its path, which only one can do. A dead holder is
 * replaced in two steps, since no system call replaces a file only if it is still the one looked
 * at:
 *
 *   1. link `<path>.after.<token of the dead holder>`: tokens are never used twice, so one process
 *      in all time wins the right to follow that holder;
 *   2. look again that the path still leads to the dead holder, then rename onto it.
 *
 * A winner that dies in between is itself a dead holder, followed in the same way.
 *
 * A holder that can be looked up, in any thread, is never followed while its process lives. One
 * that cannot (in another container) holds the lock for SILENCE_MS from its last sign of life on,
 * and no longer: a holder that stood still for that long may wake up just as it is followed.
 * Therefore each side first speaks and then listens. The holder touches its file, and holds the
 * lock only if then nobody has the right to follow it and the path leads to it still; the follower
 * takes that right, and goes on only if then the holder's file is as it was when it was found
 * silent. Whatever the order, not both go on; where neither does the lock is free to be followed.
 */
const MAX_FOLLOWERS = 100;
const MAX_FILE_BYTES = 4096;
const TRY_AGAIN_MS = 1000;

/**
 * Tokens, with the path of their lock, that this thread has given up where their file was not to be
 * had or not to be removed: the folder was not mounted, or read-only. Mounted again it shows them as
 * held by a process that is alive, by us: this thread takes them for dead, and for all others it
 * tries again to remove them. Kept where there is no file: one cannot tell whether it comes back.
 */
const givenUp = new Map<string, string>();
let tryingAgain = false;

interface Holder {
  readonly file: string;
  readonly token: string;
  /** null: the file is no lock file, as after a power cut. */
  readonly identity: ProcessIdentity | null;
  readonly refreshed: bigint;
}

export class FileLock {
  readonly path: string;
  private readonly now: Monotonic;
  private token: string | null = null;
  private watch: SilenceWatch | null = null;

  /** Each waiter for a lock keeps one object: how long a holder was silent is known to it alone. */
  constructor(path: string, now: Monotonic = monotonic) {
    this.path = path;
    this.now = now;
  }

  get held(): boolean {
    return this.token !== null;
  }

  /** A holder that cannot be looked up is being watched for signs of life. */
  get watching(): boolean {
    return this.watch !== null;
  }

  /** false: another holder is alive, or another process was faster. Never waits. */
  tryAcquire(): boolean {
    if (this.token !== null) return false;
    const chain = readChain(this.path);
    const last = chain.at(-1);
    if (last !== undefined && !this.isDead(last)) {
      this.askForTurn();
      return false;
    }
    const token = randomUUID();
    const own = fresh(this.path, token);
    const text = JSON.stringify({ token, ...thisProcess() });
    try {
      writeFileSync(own, text, { flag: 'wx', mode: 0o644 });
      const acquired = last === undefined ? link(own, this.path) : this.follow(own, token, last);
      if (!acquired) return false;
      this.token = token;
      // One that stood still in the midst of following may have been followed before it went on.
      return last === undefined || this.refresh();
    } finally {
      // After a failure too, as of a full disk, which leaves a file without its content.
      remove(own);
    }
  }

  /**
   * Shows processes that cannot look this one up that it lives; for locks held over seconds. false:
   * it is held no longer: its file is gone, or another has followed, or is about to.
   */
  refresh(): boolean {
    if (this.token === null) return false;
    if (showLife(this.path, this.token)) return true;
    this.release();
    return false;
  }

  /** Where that throws the file is removed as soon as it can be. */
  release(): void {
    const { token } = this;
    this.token = null;
    if (token === null) return;
    givenUp.set(token, this.path);
    try {
      removeGivenUp(token, this.path);
    } finally {
      tryAgainLater();
    }
  }

  /** Whether another process was turned away since the last call: give it a moment. */
  wanted(): boolean {
    return remove(`${this.path}.wanted`);
  }

  private askForTurn(): void {
    writeFileSync(`${this.path}.wanted`, '');
  }

  private follow(own: string, token: string, dead: Holder): boolean {
    const right = follower(this.path, dead.token);
    if (!link(own, right)) return false;
    const chain = readChain(this.path);
    const [before, last] = chain.slice(-2);
    const unchanged = before?.token === dead.token && before.refreshed === dead.refreshed;
    if (last?.token !== token || !unchanged) {
      remove(right);
      return false;
    }
    renameSync(own, this.path);
    givenUp.delete(dead.token);
    // Without its file who still was to follow one of them cannot go on. The right to follow this
    // one is left alone: were it silent for long just here, another has that.
    for (const holder of chain.slice(0, -1)) {
      remove(follower(this.path, holder.token));
      remove(fresh(this.path, holder.token));
    }
    return true;
  }

  private isDead(holder: Holder): boolean {
    const state = stateOf(holder);
    if (state === 'unknown') this.watch ??= new SilenceWatch(this.now);
    else this.watch = null;
    return this.watch?.isSilent(holder) ?? state === 'dead';
  }
}

/**
 * Removes a lock that nobody else ever takes and whose holder is dead; false where it lives. One
 * taken for dead by mistake finds its lock gone and takes it anew. `watch`: of this path.
 */
export function removeDeadLock(path: string, watch: SilenceWatch): boolean {
  const holder = readHolder(path);
  if (holder === null) return true;
  const state = stateOf(holder);
  if (state === 'alive' || (state === 'unknown' && !watch.isSilent(holder))) return false;
  remove(path);
  givenUp.delete(holder.token);
  return true;
}

function stateOf({ token, identity }: Holder): Liveness {
  if (givenUp.has(token)) return 'dead';
  return identity === null ? 'unknown' : liveness(identity);
}

/** Whether the lock is held by the token, by what is said above. */
function showLife(path: string, token: string): boolean {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return false;
    throw error;
  }
  // In this order: who follows gives its right back only when the path leads to it.
  if (readHolder(follower(path, token)) !== null) return false;
  return readHolder(path)?.token === token;
}

function removeGivenUp(token: string, path: string): void {
  if (showLife(path, token) && remove(path)) givenUp.delete(token);
  else if ((readHolder(path)?.token ?? token) !== token) givenUp.delete(token);
}

function tryAgainLater(): void {
  if (tryingAgain || givenUp.size === 0) return;
  tryingAgain = true;
  const tryAgain = (): void => {
    tryingAgain = false;
    for (const [token, path] of givenUp) {
      try {
        removeGivenUp(token, path);
      } catch {
        // Not yet.
      }
    }
    tryAgainLater();
  };
  setTimeout(tryAgain, TRY_AGAIN_MS).unref();
}

function fresh(path: string, token: string): string {
  return `${path}.new.${token}`;
}

function follower(path: string, token: string): string {
  return `${path}.after.${token}`;
}

/** The holder at the path, whoever won the right to follow it, and so on. Empty: not held. */
function readChain(path: string): Holder[] {
  const chain: Holder[] = [];
  let file = path;
  while (chain.length < MAX_FOLLOWERS) {
    const holder = readHolder(file);
    if (holder === null) return chain;
    chain.push(holder);
    file = follower(path, holder.token);
  }
  return chain;
}

function readHolder(file: string): Holder | null {
  try {
    const stat = lstatSync(file, { bigint: true });
    const text = stat.isFile() && stat.size <= MAX_FILE_BYTES ? readFileSync(file, 'utf8') : '';
    const unreadable = { file, token: `${stat.ino}-${stat.ctimeNs}`, identity: null };
    return { ...(parseHolder(file, text) ?? unreadable), refreshed: stat.mtimeNs };
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null;
    throw error;
  }
}

function parseHolder(file: string, text: string): Omit<Holder, 'refreshed'> | null {
  let fields: Partial<Record<keyof ProcessIdentity | 'token', unknown>> | null;
  try {
    fields = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof fields !== 'object' || fields === null) return null;
  const { token, host, pid, started, boot, namespace } = fields;
  if (typeof token !== 'string' || !/^[0-9a-f-]{36}$/.test(token)) return null;
  if (typeof host !== 'string' || typeof pid !== 'number' || !Number.isInteger(pid)) return null;
  if (!isTextOrNull(started) || !isTextOrNull(boot) || !isTextOrNull(namespace)) return null;
  if (pid <= 0) return null;
  return { file, token, identity: { host, pid, started, boot, namespace } };
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}

function link(existing: string, path: string): boolean {
  try {
    linkSync(existing, path);
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  }
}

function remove(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    if (isCode(error, 'ENOENT')) return false;
    throw error;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
