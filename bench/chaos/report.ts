import Table from 'cli-table3';
import type { Audited } from './audit.js';
import type { Findings } from './findings.js';
import type { ChaosOptions } from './options.js';
import type { Use } from './samples.js';
import type { FaultCounts } from './storm.js';

const MIB = 1024 * 1024;

export interface Verified {
  readonly code: number;
  readonly verdict: string;
  readonly records: string;
  readonly seconds: number;
}

export interface Result {
  readonly options: ChaosOptions;
  readonly stormSeconds: number;
  readonly faults: FaultCounts;
  readonly cuts: number;
  /** Seconds after the last fault was healed; null: not within the deadline. */
  readonly caughtUpSeconds: number | null;
  readonly verified: Verified;
  readonly audited: Audited;
  /** Bytes resident; open files and sockets. */
  readonly memory: Readonly<Record<string, Use | null>>;
  readonly files: Readonly<Record<string, Use | null>>;
  readonly findings: Findings;
}

export function toJson(result: Result): string {
  const { options, faults, audited, findings, memory, files } = result;
  const document = {
    passed: findings.clean,
    minutes: options.minutes,
    seed: options.seed,
    rate: { wanted: options.rate, reached: reached(result) },
    faults: { ...faults, ...totals(result) },
    caughtUpSeconds: result.caughtUpSeconds,
    events: audited.events,
    checkpoints: audited.checkpoints,
    verify: result.verified,
    memory,
    files,
    mustBeZero: Object.fromEntries(findings.entries.map(([name, { count }]) => [name, count])),
    examples: Object.fromEntries(
      findings.entries
        .filter(([, { count }]) => count > 0)
        .map(([name, { examples }]) => [name, examples]),
    ),
  };
  return JSON.stringify(document, null, 2);
}

/** Acknowledged events a second, while things failed. */
function reached({ audited, stormSeconds }: Result): number {
  return Math.round(audited.events.acknowledged / stormSeconds);
}

function totals({ faults, cuts }: Result) {
  const sum = (counts: Record<string, number>, matches = ''): number =>
    Object.entries(counts)
      .filter(([kind]) => kind.startsWith(matches))
      .reduce((total, [, count]) => total + count, 0);
  return {
    brokerFaults: sum(faults.brokers),
    connectionFaults: sum(faults.connections),
    connectionsCut: cuts,
    processKills: sum(faults.processes, 'kill'),
    processFreezes: sum(faults.processes, 'freeze'),
  };
}

export function render(result: Result): string {
  const { options, faults, audited, verified, findings } = result;
  const { events, checkpoints } = audited;
  const all = totals(result);
  const listed = (counts: Record<string, number>): string =>
    Object.entries(counts)
      .map(([kind, count]) => `${count} ${kind}`)
      .join(', ');
  const caughtUp = result.caughtUpSeconds;
  const facts = table([
    ['run', `${options.minutes} min, seed ${options.seed}`],
    ['events/s', `${reached(result)} acknowledged, ${options.rate} wanted`],
    ['broker faults', `${all.brokerFaults}: ${listed(faults.brokers)}`],
    ['connection faults', `${all.connectionFaults}: ${listed(faults.connections)}`],
    ['connections cut', `${all.connectionsCut}`],
    ['process faults', `${all.processKills} kills: ${listed(faults.processes)}`],
    ['records in the log', `${events.records}`],
    ['acknowledged', `${events.acknowledged}`],
    ['rejected', `${events.rejected}`],
    [
      'outcome unknown',
      `${events.unknown}: publishers learned ${events.learnedInLog} in the log and ` +
        `${events.learnedAbsent} not; the audit found ${events.auditedInLog} in it and ` +
        `${events.auditedAbsent} not`,
    ],
    ['under way when killed', `${events.underWay} of them in the log`],
    [
      'checkpoints',
      `${checkpoints.records} published, some of them again after a kill; ${checkpoints.right} ` +
        'different ones recomputed and right',
    ],
    ['sealing caught up', caughtUp === null ? 'not in time' : `after ${caughtUp} s`],
    ['verify', `exit ${verified.code}, ${verified.verdict}, ${verified.records} records`],
    ...describeUses('memory', result.memory, MIB, 'MiB'),
    ...describeUses('open files', result.files, 1, ''),
  ]);
  const counts = table(findings.entries.map(([name, { count }]) => [name, String(count)]));
  const examples = findings.entries.flatMap(([name, found]) =>
    found.examples.map((example) => `${name}: ${example}`),
  );
  const verdict = findings.clean ? 'PASSED' : 'FAILED';
  return [facts, 'Must be zero:', counts, ...examples, verdict, ''].join('\n');
}

function describeUses(
  what: string,
  uses: Readonly<Record<string, Use | null>>,
  scale: number,
  unit: string,
): [string, string][] {
  return Object.entries(uses).map(([name, use]) => {
    if (use === null) return [`${what} of ${name}`, 'too short a run'];
    const [early, late, peak] = [use.early, use.late, use.peak].map((value) =>
      `${Math.round(value / scale)} ${unit}`.trim(),
    );
    const text = `${early} at most in the second fifth, ${late} in the last, ${peak} ever`;
    return [`${what} of ${name}`, text];
  });
}

function table(rows: readonly (readonly [string, string])[]): string {
  const drawn = new Table({
    wordWrap: true,
    colWidths: [42, 76],
    style: { border: [], compact: true },
  });
  for (const row of rows) drawn.push([...row]);
  return drawn.toString();
}
