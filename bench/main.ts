/** `npm run bench`: measures this build beside others, prints tables and writes JSON. */
import { writeFile } from 'node:fs/promises';
import { BENCHES } from './benches/index.js';
import { alternate } from './harness/alternate.js';
import { type Bench, selectBenches, type Task, tasksOf } from './harness/bench.js';
import { machine } from './harness/machine.js';
import { type BenchResult, ratios } from './harness/result.js';
import { Scene } from './harness/scene.js';
import { render } from './harness/table.js';
import { type BenchOptions, parseOptions, USAGE } from './options.js';

const started = performance.now();

function tell(line: string): void {
  const seconds = Math.round((performance.now() - started) / 1000);
  process.stderr.write(`${String(seconds).padStart(5)} s  ${line}\n`);
}

async function runTask(
  scene: Scene,
  bench: Bench,
  task: Task,
  runs: number,
): Promise<BenchResult | null> {
  if (task.size === 'cloudtrail' && (process.env['SEALSTREAM_CLOUDTRAIL'] ?? '') === '') {
    tell(`NOT RUN: ${bench.name} on CloudTrail events: SEALSTREAM_CLOUDTRAIL names no folder`);
    return null;
  }
  const kafka = bench.place === 'kafka' ? await scene.kafka() : null;
  if (kafka !== null && 'skip' in kafka) {
    tell(`NOT RUN: ${bench.name}: ${kafka.skip}`);
    return null;
  }
  tell(`${bench.name}, ${task.records.join(', ')} records, ${task.size}`);
  const contenders = await alternate(await bench.contenders(scene, task), runs, tell);
  const size = task.size === 'cloudtrail' ? 'CloudTrail events' : `${task.size} bytes`;
  const { name, title, kind } = bench;
  const { records, partitions } = task;
  return { bench: name, title, kind, records, size, partitions, contenders };
}

/** Benches that could not be run are not in the results. */
async function runAll(scene: Scene, options: BenchOptions): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  for (const bench of selectBenches(BENCHES, options.names)) {
    for (const task of tasksOf(bench, options)) {
      const result = await runTask(scene, bench, task, options.runs);
      if (result === null) continue;
      results.push(result);
      process.stdout.write(`\n${render(result)}\n`);
    }
  }
  return results;
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(USAGE);
    return;
  }
  selectBenches(BENCHES, options.names);
  const here = await machine();
  if (here.loadAverage > here.cores / 2) {
    tell(`the machine is busy (load ${here.loadAverage}): compare CPU time rather than rates`);
  }
  const scene = await Scene.open(options, tell);
  // However it ends, brokers and folders go: the default for these signals leaves both.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void scene.close().finally(() => process.exit(130));
    });
  }
  try {
    const results = await runAll(scene, options);
    const tools = await scene.tools();
    const document = {
      time: new Date().toISOString(),
      machine: { ...here, kafka: 'skip' in tools ? null : tools.version },
      options,
      results: results.map((result) => ({ ...result, ratios: ratios(result) })),
    };
    await writeFile(options.json, `${JSON.stringify(document, null, 2)}\n`);
    tell(`written: ${options.json}`);
  } finally {
    await scene.close();
  }
}

try {
  await main();
} catch (error) {
  tell(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 1;
}
