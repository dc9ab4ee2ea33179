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
import { liveness, type ProcessIdentity, thisProcess } from './process.js';

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
 */
const MAX_FOLLOWERS = 100;
const MAX_FILE_BYTES = 4096;
/** How long a holder that cannot be looked up (another container) may show no sign of life. */
export const SILENCE_MS = 30_000;

/**
 * Tokens that this thread has given up where their file was not to be had: the folder was not mounted.
 * Mounted again it shows them as held by a process that is alive, by us.
 */
const givenUp = new Set<string>();

interface Holder {
  readonly file: string;
  readonly token: string;
  /** null: the file is no lock file, as after a power cut. */
  readonly identity: ProcessIdentity | null;
  readonly refreshed: bigint;
}

export class FileLock {
  readonly path: string;
  private token: string | null = null;
  private watched: { token: string; refreshed: bigint; since: number } | null = null;

  constructor(path: string) {
    this.path = path;
  }

  get held(): boolean {
    return this.token !== null;
  }

  /** A holder that cannot be looked up is being watched for signs of life. */
  get watching(): boolean {
    return this.watched !== null;
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
      if (acquired) this.token = token;
      return acquired;
    } finally {
      // After a failure too, as of a full disk, which leaves a file without its content.
      remove(own);
    }
  }

  /** Shows processes that cannot look this one up that it lives; for locks held over seconds. */
  refresh(): void {
    const now = new Date();
    if (this.token !== null) utimesSync(this.path, now, now);
  }

  release(): void {
    const { token } = this;
    this.token = null;
    if (token === null) return;
    givenUp.add(token);
    const holder = readHolder(this.path);
    if (holder === null) return;
    // Who could not see this process alive for long enough may have followed it.
    if (holder.token === token) remove(this.path);
    givenUp.delete(token);
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
    if (chain.at(-1)?.token !== token) {
      remove(right);
      return false;
    }
    renameSync(own, this.path);
    givenUp.delete(dead.token);
    for (const holder of chain) {
      remove(follower(this.path, holder.token));
      remove(fresh(this.path, holder.token));
    }
    return true;
  }

  private isDead(holder: Holder): boolean {
    if (givenUp.has(holder.token)) return true;
    const state = holder.identity === null ? 'unknown' : liveness(holder.identity);
    if (state !== 'unknown') return state === 'dead';
    const { token, refreshed } = holder;
    if (this.watched?.token !== token || this.watched.refreshed !== refreshed) {
      this.watched = { token, refreshed, since: performance.now() };
    }
    return performance.now() - this.watched.since > SILENCE_MS;
  }
}

/** Removes a lock whose path is never used again and whose holder is dead; false where it lives. */
export function removeDeadLock(path: string): boolean {
  const holder = readHolder(path);
  if (holder === null) return true;
  const known = holder.identity === null ? 'unknown' : liveness(holder.identity);
  const state = givenUp.has(holder.token) ? 'dead' : known;
  const silence = Date.now() - Number(holder.refreshed / 1_000_000n);
  if (state === 'alive' || (state === 'unknown' && silence <= SILENCE_MS)) return false;
  remove(path);
  givenUp.delete(holder.token);
  return true;
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
