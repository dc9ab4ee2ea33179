/** A progress line on stderr, on a terminal only. */
import cliProgress from 'cli-progress';

export interface Progress {
  update(done: bigint | number, total?: bigint | number): void;
  stop(): void;
}

const SILENT: Progress = { update() {}, stop() {} };

/** With a known total a bar, else a count. */
export function progress(what: string, noun: string, hasTotal: boolean): Progress {
  if (process.stderr.isTTY !== true) return SILENT;
  const bar = new cliProgress.SingleBar({
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
    format: hasTotal ? `${what} {bar} {value}/{total} ${noun}` : `${what} {value} ${noun}`,
  });
  bar.start(0, 0);
  return {
    update(done, total) {
      if (total !== undefined) bar.setTotal(Number(total));
      bar.update(Number(done));
    },
    stop: () => bar.stop(),
  };
}
