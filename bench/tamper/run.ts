/** Makes cases, changes them while their stream is stopped, and judges them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStream } from '../../stream/open.js';
import { type BesideCase, makeCase, SPOTS, type Spot } from '../../test/support/beside.js';
import { startCluster } from '../../test/support/kafka/cluster.js';
import { Random } from '../chaos/random.js';
import { judgeCase, type TamperedCase } from './cases.js';
import { FAULTS, type Fault } from './faults.js';

/** What the campaign came to; `byFault`: cases of each. */
export interface Counts {
  readonly cases: number;
  readonly verifications: number;
  readonly unseen: number;
  readonly falseAlarms: number;
  readonly differences: number;
  readonly byFault: Readonly<Record<string, number>>;
}

type Tell = (message: string) => void;

/** In order, by walkers, with a memory, both, only new, replay, prove. */
const WAYS = 7;
/** Cases on `file:` at once: each waits a good part of its time. */
const LANES = 4;
/** Logs that are tampered with in one restart of the broker. */
const LOGS_A_RESTART = 60;
const FILE_SPOTS: readonly Spot[] = ['middle', 'checkpoint', 'last'];
const FETCH_SELDOM = 20;
const NOTHING: Counts = {
  cases: 0,
  verifications: 0,
  unseen: 0,
  falseAlarms: 0,
  differences: 0,
  byFault: {},
};

export function total(counts: readonly Counts[]): Counts {
  return counts.reduce((sum, one) => {
    const byFault = { ...sum.byFault };
    for (const [name, cases] of Object.entries(one.byFault)) {
      byFault[name] = (byFault[name] ?? 0) + cases;
    }
    return {
      cases: sum.cases + one.cases,
      verifications: sum.verifications + one.verifications,
      unseen: sum.unseen + one.unseen,
      falseAlarms: sum.falseAlarms + one.falseAlarms,
      differences: sum.differences + one.differences,
      byFault,
    };
  }, NOTHING);
}

export async function runOnFiles(
  seed: number,
  cases: number,
  until: number,
  tell: Tell,
): Promise<Counts> {
  let counts = NOTHING;
  let at = seed;
  const lane = async (): Promise<void> => {
    while (at < seed + cases && performance.now() < until) {
      const one = await fileCase(at++, tell);
      counts = total([counts, one]);
      if (counts.cases % 500 === 0) tell(`file: ${counts.cases} cases`);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return counts;
}

async function fileCase(seed: number, tell: Tell): Promise<Counts> {
  const folder = await mkdtemp(join(tmpdir(), 'sealstream-tamper-'));
  const stream = await openStream(`file:${folder}`);
  const made = await makeCase(stream, 'audit', fileSpotOf(seed), new Random(seed, 0));
  await stream.close();
  const one = apply(made, seed, FAULTS, folder);
  const reopened = await openStream(`file:${folder}`);
  try {
    return await judged(one, reopened, true, tell);
  } finally {
    await reopened.close();
    await rm(folder, { recursive: true });
  }
}

export async function runOnKafka(
  seed: number,
  cases: number,
  until: number,
  tell: Tell,
): Promise<Counts | { readonly skip: string }> {
  const cluster = await startCluster();
  if ('skip' in cluster) return cluster;
  const faults = FAULTS.filter(({ onDiskOnly }) => onDiskOnly !== true);
  const node = cluster.node(1);
  const url = `kafka://${cluster.bootstrap}`;
  let counts = NOTHING;
  try {
    for (let at = seed; counts.cases < cases && performance.now() < until; ) {
      const stream = await openStream(url);
      const made: [number, BesideCase][] = [];
      for (const last = at + LOGS_A_RESTART; at < last; at++) {
        const spot = spotOf(at, faults);
        made.push([at, await makeCase(stream, `case-${at}`, spot, new Random(at, 0))]);
      }
      await stream.close();
      await node.stop();
      const tampered = made.map(([number, one]) => apply(one, number, faults, node.logDir));
      await node.start();
      const reopened = await openStream(url);
      for (const one of tampered) {
        if (performance.now() >= until) break;
        counts = total([counts, await judged(one, reopened, false, tell)]);
      }
      await reopened.close();
      tell(`kafka: ${counts.cases} cases`);
    }
  } finally {
    await cluster.close();
  }
  return counts;
}

function faultOf(seed: number, faults: readonly Fault[]): Fault {
  return faults[seed % faults.length] as Fault;
}

function spotOf(seed: number, faults: readonly Fault[]) {
  return SPOTS[Math.floor(seed / faults.length) % SPOTS.length] ?? 'middle';
}

/** A fetch from files ends elsewhere than one from Kafka, and its logs are large: seldom that one. */
function fileSpotOf(seed: number): Spot {
  const round = Math.floor(seed / FAULTS.length);
  return round % FETCH_SELDOM === 0 ? 'fetch' : (FILE_SPOTS[round % FILE_SPOTS.length] ?? 'middle');
}

function apply(
  made: BesideCase,
  seed: number,
  faults: readonly Fault[],
  root: string,
): TamperedCase {
  const random = new Random(seed, 1);
  const fault = faultOf(seed, faults);
  const victim = { root, topic: made.made.topic, number: made.victim, random };
  const accepted = made.sealed[random.whole(0, made.sealed.length - 1)];
  if (accepted === undefined) throw new Error('a case without a checkpoint');
  return { ...made, seed, fault, accepted, changed: fault.apply(victim) };
}

async function judged(
  one: TamperedCase,
  stream: Parameters<typeof judgeCase>[1],
  isRepeatable: boolean,
  tell: Tell,
): Promise<Counts> {
  const outcome = await judgeCase(one, stream, isRepeatable);
  for (const [kind, lines] of Object.entries(outcome)) {
    for (const line of lines) tell(`${kind}: ${line}`);
  }
  return {
    cases: 1,
    verifications: WAYS,
    unseen: outcome.unseen.length,
    falseAlarms: outcome.falseAlarms.length,
    differences: outcome.differences.length,
    byFault: { [one.fault.name]: 1 },
  };
}
