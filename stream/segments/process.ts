import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * Which process holds a lock, so that others can tell a live holder from one that was killed. A
 * process id alone is not enough: ids are used again. Its start time and the boot it ran in tell
 * two processes of one id apart; where the system has no /proc both are null and the id must do.
 */
export interface ProcessIdentity {
  readonly host: string;
  readonly pid: number;
  /** Clock ticks from boot to the start of the process. */
  readonly started: string | null;
  readonly boot: string | null;
  /** Processes of another namespace (a container) cannot be looked up from here. */
  readonly namespace: string | null;
}

export type Liveness = 'alive' | 'dead' | 'unknown';

let self: ProcessIdentity | undefined;

export function thisProcess(): ProcessIdentity {
  self ??= {
    host: hostname(),
    pid: process.pid,
    started: processState(process.pid)?.started ?? null,
    boot: procFile('sys/kernel/random/boot_id')?.trim() ?? null,
    namespace: namespace(),
  };
  return self;
}

/** `unknown` for a process of another host or container: it cannot be looked up from here. */
export function liveness(identity: ProcessIdentity): Liveness {
  const here = thisProcess();
  if (identity.host !== here.host) return 'unknown';
  if (identity.boot !== here.boot) return 'dead';
  if (identity.namespace !== here.namespace) return 'unknown';
  if (identity.started === null) return signalReaches(identity.pid) ? 'alive' : 'dead';
  const state = processState(identity.pid);
  if (state === null || state.gone) return 'dead';
  return state.started === identity.started ? 'alive' : 'dead';
}

function signalReaches(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function processState(pid: number): { started: string; gone: boolean } | null {
  const stat = procFile(`${pid}/stat`);
  if (stat === null) return null;
  // The command in parentheses may itself hold parentheses and spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const started = fields[19];
  if (started === undefined) return null;
  return { started, gone: fields[0] === 'Z' || fields[0] === 'X' };
}

function procFile(path: string): string | null {
  try {
    return readFileSync(`/proc/${path}`, 'latin1');
  } catch {
    // No such process, or no /proc on this system.
    return null;
  }
}

function namespace(): string | null {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    // No /proc on this system.
    return null;
  }
}
