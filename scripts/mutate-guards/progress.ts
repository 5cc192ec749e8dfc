import type { Proof } from './prove.ts'

/**
 * Says on standard error how far the proofs are: on a terminal in one line that is written again and again, elsewhere in a line for each guard.
 * @param total how many guards there are
 */
export function showProgress(total: number): { proved: (proof: Proof) => void; end: () => void } {
  const started = performance.now()
  const isTerminal = process.stderr.isTTY
  let done = 0
  let failed = 0
  const write = (line: string): void =>
    void process.stderr.write(
      isTerminal ? `\r\x1b[K${line.slice(0, process.stderr.columns - 1)}` : `${line}\n`,
    )
  return {
    proved({ guard, isNeeded }) {
      done++
      if (!isNeeded) failed++
      const left = ((performance.now() - started) / 60_000 / done) * (total - done)
      const minutes = left < 1 ? 'less than a minute' : `some ${Math.round(left)} min`
      const wrong = failed === 0 ? '' : `, ${failed} FAILED`
      write(`${done}/${total}${wrong}, ${minutes} left: ${isNeeded ? 'needed' : 'FAILED'}: ${guard.name}`)
    },
    end() {
      if (isTerminal) process.stderr.write('\r\x1b[K')
    },
  }
}
