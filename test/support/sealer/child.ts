import { STEPS, type Step } from '../../../sealer/index.js';
import { TestLedger } from './ledger.js';

// A sealer in a process of its own: node child.js FOLDER URL TOPIC once|run [STEP NTH]
// It kills itself, as kill -9 does, the NTH time that it comes to STEP.
const [folder, url, topic, mode, stepName, nth] = process.argv.slice(2);
if (!folder || !url || !topic) throw new Error('usage: FOLDER URL TOPIC once|run [STEP NTH]');
const deadly = STEPS.find((step) => step === stepName) ?? null;
let left = Number(nth ?? 0);

async function step(name: Step): Promise<void> {
  if (name !== deadly) return;
  left -= 1;
  if (left > 0) return;
  process.kill(process.pid, 'SIGKILL');
  // Nothing more is done while the signal is on its way.
  await new Promise((resolve) => setTimeout(resolve, 60_000));
}

const ledger = new TestLedger({ folder, url, topic });
await ledger.open();
const sealer = await ledger.sealer({
  group: `${topic}-sealers`,
  records: 4,
  every: 20,
  heartbeat: 50,
  truncatedAfter: 10_000,
  timeout: 10_000,
  hooks: { step },
});
if (mode === 'once') {
  const results = await sealer.sealOnce();
  process.exitCode = results.every(({ refusal, error }) => !refusal && !error) ? 0 : 1;
} else {
  const stop = new AbortController();
  process.once('SIGTERM', () => stop.abort());
  await sealer.run(stop.signal);
}
await ledger.close();
