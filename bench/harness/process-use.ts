import { readFileSync } from 'node:fs';

const KIB = 1024;
/** Clock ticks a second in /proc; Linux shows it so on every machine. */
const TICKS = 100;

export interface ProcessUse {
  /** User and system time since the process began. */
  readonly cpuSeconds: number;
  readonly peakRssBytes: number;
}

/** null: the process has ended, or the system has no /proc. */
export function useOf(pid: number | 'self'): ProcessUse | null {
  try {
    return parseUse(
      readFileSync(`/proc/${pid}/status`, 'utf8'),
      readFileSync(`/proc/${pid}/stat`, 'utf8'),
    );
  } catch {
    return null;
  }
}

/** What /proc/PID/status and /proc/PID/stat say; null where they do not say it, as of a zombie. */
export function parseUse(status: string, stat: string): ProcessUse | null {
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  // Fields 14 and 15; the second one, the name in brackets, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  if (peak === undefined || Number.isNaN(ticks)) return null;
  return { cpuSeconds: ticks / TICKS, peakRssBytes: Number(peak) * KIB };
}
