import { BuilderStopped } from '../machine/errors.ts'
import type { WorkerEnd } from '../worker.ts'

/** The status of a process that was ended by a signal: 128 and the signal's number, as a shell reports it. */
export function statusOf(signal: NodeJS.Signals): number {
  return signal === 'SIGINT' ? 130 : 143
}

/** A machine that goes away when it is told to: SIGTERM and SIGINT end it. */
export function endBySignal(say: (line: string) => void): AbortSignal {
  const stop = new AbortController()
  onSignals((signal) => {
    say(`stopped by ${signal}: what is built is uploaded`)
    process.exitCode = statusOf(signal)
    stop.abort(new BuilderStopped(`the machine was stopped by ${signal}`))
  })
  return stop.signal
}

/** A machine that stays: SIGTERM or SIGINT lets it finish what it has, a second one hands it back. @param now the first one does */
export function endInTwoSteps(say: (line: string) => void, now: boolean): WorkerEnd {
  const finish = new AbortController()
  const handBack = new AbortController()
  onSignals((signal) => {
    if (finish.signal.aborted || now) {
      say(`stopped by ${signal}: batches are handed back, what is built of them is uploaded`)
      handBack.abort(new BuilderStopped(`the worker was stopped by ${signal}`))
    } else say(`stopped by ${signal}: no more batches; once more hands back those that are being built`)
    finish.abort()
  })
  return { finish: finish.signal, handBack: handBack.signal }
}

function onSignals(listener: (signal: NodeJS.Signals) => void): void {
  process.on('SIGTERM', listener)
  process.on('SIGINT', listener)
}
