import { isOutOfMemory } from '../machine/nix-errors.ts'
import { options } from '../machine/nix-command.ts'
import { OutputTooLong } from '../machine/errors.ts'
import { collect, eachLine, startProcess } from '../machine/processes.ts'

/** What an evaluation may use, and how it is run. */
export interface EvaluationBounds {
  environment: Record<string, string>
  /** what a process sees besides, asked for each one: the token of GitHub, for what is evaluated purely alone */
  access?: () => Promise<Record<string, string>>
  /** heap of one evaluating process */
  megabytes: number
  /** arguments of `nix eval` besides those that hold for every evaluation: whether it is pure, which system it is for */
  settings: string[]
}

/** How an evaluating process ended. */
export interface EvaluationEnding {
  /** JSON on standard output; only there when the process succeeded, because 2.8 leaves half a document behind when it fails */
  result?: string
  stderr: string
  reason: 'done' | 'error' | 'out of time' | 'out of memory' | 'died'
}

// 64 kB: errors are short, but flake code may print traces without end.
const STDERR_KEPT = 65_536

/**
 * Evaluates an expression in a process of its own and prints its value as JSON. The process builds nothing, and is killed, with everything it started,
 * when it is out of time: Nix in a tight loop does not react to SIGTERM.
 * @param secondsLeft asked at the start and again whenever `onLine` returns true: the time until the next sign of progress
 * @param onLine gets every line of standard error; true means progress
 */
export async function evaluateBounded(
  expression: string,
  bounds: EvaluationBounds,
  secondsLeft: () => number,
  onLine: (line: string) => boolean = () => false,
): Promise<EvaluationEnding> {
  const access = (await bounds.access?.()) ?? {}
  const child = startProcess(
    'nix',
    ['eval', '--json', ...SETTINGS, ...bounds.settings, '--expr', expression],
    {
      // Boehm's collector gives up at this size: "out of memory". Source: bdwgc, docs/README.environment.
      environment: { ...bounds.environment, ...access, GC_MAXIMUM_HEAP_SIZE: `${bounds.megabytes}M` },
    },
  )
  let isOutOfTime = false
  const expire = (): void => {
    isOutOfTime = true
    child.kill('SIGKILL')
  }
  let timer = setTimeout(expire, secondsLeft() * 1000)
  let stderr = ''
  const readErrors = eachLine(child.stderr, (line) => {
    if (onLine(line)) {
      // What was said before belongs to what is finished.
      stderr = ''
      clearTimeout(timer)
      timer = setTimeout(expire, secondsLeft() * 1000)
    } else stderr = `${stderr}${line}\n`.slice(-STDERR_KEPT)
  })
  const finished = Promise.all([child.ended, collect(child.stdout), readErrors])
  const ended = await finished.catch((error: unknown) => {
    if (error instanceof OutputTooLong) return error
    throw error
  })
  clearTimeout(timer)
  child.kill('SIGKILL')
  if (ended instanceof OutputTooLong) return { stderr: `error: ${ended.message}`, reason: 'error' }
  const [{ status, signal }, result] = ended
  if (isOutOfTime) return { stderr, reason: 'out of time' }
  if (status === 0) return { stderr, reason: 'done', result }
  if (isOutOfMemory(stderr, signal, status)) return { stderr, reason: 'out of memory' }
  return { stderr, reason: signal === null ? 'error' : 'died' }
}

const SETTINGS = options({
  // Nothing may be built here, even if the machine's nix.conf names remote builders.
  'max-jobs': '0',
  builders: '',
  // Nix waits for the disk after every derivation that it writes. What the machine forgets when it loses power is evaluated again.
  'fsync-metadata': 'false',
})
