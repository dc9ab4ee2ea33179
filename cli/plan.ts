import type { Command } from 'commander';
import { SealstreamError } from '../ledger/error.js';
import { dayOf } from '../policy/file/waiver.js';
import { isPending } from '../policy/plan/difference.js';
import { observe } from '../policy/plan/observed.js';
import { plan as planned } from '../policy/plan/plan.js';
import { withoutAdopted } from './adopted-starts.js';
import { EXIT } from './exit.js';
import { withLedger } from './ledger-session.js';
import { printLine, toJson } from './output.js';
import { plainDifference, planLines } from './plan-report.js';
import type { CommonOptions } from './session.js';

async function plan(options: CommonOptions): Promise<number> {
  return withLedger(options, async ({ declared, stream, administration }) => {
    const observed = await observe(administration, stream, declared.configuration);
    const found = planned(declared, observed, dayOf(new Date()));
    const differences = await withoutAdopted(found, observed, declared.configuration);
    const pending = differences.filter(isPending);
    const waived = differences.filter((each) => !isPending(each) && each.waiver !== null);
    const brokers = differences.filter((each) => each.by === 'broker' && each.waiver === null);
    if (options.json === true) {
      const { recorded } = observed;
      await printLine(
        toJson({
          stream: stream.url,
          ledger: declared.configuration.ledger,
          hash: declared.hash,
          recorded: recorded === null || recorded instanceof SealstreamError ? null : recorded.hash,
          changes: pending.map(plainDifference),
          waived: waived.map(plainDifference),
          brokers: brokers.map(plainDifference),
        }),
      );
    } else {
      for (const line of planLines(differences)) await printLine(line);
    }
    return pending.length === 0 ? EXIT.done : EXIT.pending;
  });
}

export function registerPlan(
  program: Command,
  run: (work: Promise<number>) => Promise<void>,
): void {
  program
    .command('plan')
    .description('show where the cluster is not what ledger.yaml declares; changes nothing')
    .option('--config <file>', 'the configuration', './ledger.yaml')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\n+ adds, ~ tightens, ! refused or gone, - loosens by a waiver, = let stand by a waiver, ' +
        '? could not be seen, · of a broker.\nExit 0: nothing to do; 2: changes are pending, of `apply` or of an ' +
        'operator.\n\nExample:\n  sealstream plan --config prod/ledger.yaml',
    )
    .action((options: CommonOptions) => run(plan(options)));
}
