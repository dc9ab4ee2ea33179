import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { audit } from './audit.js';
import { CatchUp } from './catch-up.js';
import { runProgram } from './children.js';
import { Crew } from './crew.js';
import { Findings } from './findings.js';
import type { ChaosOptions } from './options.js';
import type { Result, Verified } from './report.js';
import type { Samples, Use } from './samples.js';
import { LEDGER, type Scene, TOPIC } from './scene.js';
import { Storm } from './storm.js';

const CATCH_UP_MS = 60_000;
/** Everything runs before anything fails. */
const CALM_MS = 5000;
const PROGRESS_MS = 15_000;
/** Shorter runs end while heaps still grow to their size. */
const LONG_MINUTES = 5;
const GROWTH = 1.25;
const MEMORY_SLACK = 48 * 1024 * 1024;
const FILES_SLACK = 16;
const PROBLEM = /unhandled|uncaught|sealstream: unexpected|Warning: /i;

const MUST_BE_ZERO = [
  'acknowledged events lost',
  "events repeated within a producer's life",
  'events reordered within their key',
  'rejected events in the log',
  'records that nobody published',
  'acknowledgements out of order',
  'lives with events without an outcome',
  'unknown outcomes resolved wrongly',
  'checkpoints that do not open',
  'checkpoints of another log',
  'checkpoints that are wrong',
  'partitions not sealed to their end',
  'sealing not caught up in time',
  'verify not intact or not whole',
  'logs refused by a sealer',
  'processes that ended badly',
  'handles open at exit',
  'unhandled rejections and warnings',
  'memory not flat',
  'open files not flat',
] as const;

/** The whole run, on a scene that the caller opens and closes. */
export async function runChaos(
  scene: Scene,
  options: ChaosOptions,
  tell: (message: string) => void,
  signal: AbortSignal,
): Promise<Result> {
  const findings = new Findings(MUST_BE_ZERO);
  const crew = new Crew(scene, options);
  const catchUp = await CatchUp.open(scene);
  try {
    crew.start();
    await sleep(CALM_MS, undefined, { signal });
    tell(`faults for ${options.minutes} min, seed ${options.seed}`);
    const started = performance.now();
    const storm = new Storm(scene, crew, options.minutes * 60_000, signal);
    await watched(storm.rage(options.seed), storm, tell);
    const healed = performance.now();
    tell('the last fault is healed; publishers end, sealers catch up');
    await crew.stop('publisher');
    const left = CATCH_UP_MS - (performance.now() - healed);
    const isCaughtUp = await catchUp.wait(Math.max(0, left), signal);
    const caughtUpMs = performance.now() - healed;
    if (!isCaughtUp) {
      findings.add('sealing not caught up in time', `${await catchUp.lag()} records unsealed`);
    }
    await crew.stop('sealer');
    tell('verify, then the audit');
    const verified = await verify(scene);
    const audited = await audit(scene, options.partitions, crew.lives, findings);
    checkVerified(verified, audited.events.records, findings);
    checkChildren(scene, crew, findings);
    return {
      options,
      stormSeconds: (healed - started + CALM_MS) / 1000,
      faults: storm.counts,
      cuts: scene.proxies.reduce((sum, { cuts }) => sum + cuts, 0),
      caughtUpSeconds: isCaughtUp ? Math.round(caughtUpMs / 100) / 10 : null,
      verified,
      audited,
      ...usesOf(crew, options, findings),
      findings,
    };
  } finally {
    await crew.close();
    await catchUp.close();
  }
}

async function watched(
  raging: Promise<void>,
  { counts }: Storm,
  tell: (message: string) => void,
): Promise<void> {
  const timer = setInterval(() => tell(JSON.stringify(counts)), PROGRESS_MS);
  try {
    await raging;
  } finally {
    clearInterval(timer);
  }
}

/** A process that was never near the sealer and knows the public key alone. */
async function verify(scene: Scene): Promise<Verified> {
  const place = ['--stream', `kafka://${scene.direct}`, '--ledger', LEDGER, '--topic', TOPIC];
  const words = ['verify', '--json', ...place, '--public-key', scene.publicKey];
  const { code, stdout, stderr } = await runProgram(words);
  if (stdout === '') return { code, verdict: stderr.trim(), records: '0', seconds: 0 };
  const { verdict, records, seconds } = JSON.parse(stdout) as Omit<Verified, 'code'>;
  return { code, verdict, records, seconds };
}

function checkVerified(verified: Verified, records: number, findings: Findings): void {
  if (verified.code !== 0 || verified.records !== String(records)) {
    const name = 'verify not intact or not whole';
    findings.add(name, `${JSON.stringify(verified)}, the log has ${records} records`);
  }
}

function checkChildren(scene: Scene, crew: Crew, findings: Findings): void {
  for (const { name, what, log } of crew.badEnds) {
    findings.add('processes that ended badly', `${name} ${what}: ${log}`);
  }
  for (const line of linesOf(scene.exits)) {
    const { pid, code, resources } = JSON.parse(line) as {
      pid: number;
      code: number;
      resources: readonly string[];
    };
    if (resources.length > 0) {
      findings.add('handles open at exit', `pid ${pid}, exit ${code}: ${resources.join(', ')}`);
    }
  }
  for (const log of new Set(crew.children.map((child) => child.log))) {
    for (const line of linesOf(log)) {
      if (PROBLEM.test(line)) {
        findings.add('unhandled rejections and warnings', `${log}: ${line.slice(0, 300)}`);
      }
      if (line.includes('"level":50') && line.includes('"reason":')) {
        findings.add('logs refused by a sealer', `${log}: ${line.slice(0, 400)}`);
      }
    }
  }
}

function linesOf(file: string): string[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}

/** Of the two that lived through everything. */
function usesOf(
  { memory, files }: Crew,
  { minutes }: ChaosOptions,
  findings: Findings,
): Pick<Result, 'memory' | 'files'> {
  const isLong = minutes >= LONG_MINUTES;
  const watched = (samples: Samples, finding: string, slack: number): Record<string, Use | null> =>
    Object.fromEntries(
      ['publisher-0', 'sealer-0'].map((name) => {
        const use = samples.of(name);
        if (isLong && use !== null && use.late > use.early * GROWTH + slack) {
          findings.add(finding, `${name}: ${JSON.stringify(use)}`);
        }
        return [name, use];
      }),
    );
  return {
    memory: watched(memory, 'memory not flat', MEMORY_SLACK),
    files: watched(files, 'open files not flat', FILES_SLACK),
  };
}
