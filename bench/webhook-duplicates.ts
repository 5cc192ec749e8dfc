import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Figure, Pair } from './figure.ts'
import { writeDeliveries } from './webhook-deliveries.ts'

const DELIVERIES = 10_000
const AT_ONCE = 50

/** What `sides/deliver-duplicates.ts` prints. */
interface Outcome {
  started: number
  duplicates: number
  errors: number
  firstError?: string
  executions: number
  seconds: number
  denied: number
}

/**
 * The same push very often, through the packaged template on the local stack: real HTTP, a process for each instance of the function, policies enforced. It fails
 * unless exactly one execution was started and every delivery was accepted. Pings, which start nothing, tell what the stack itself can do.
 */
export const webhookDuplicates: Figure = {
  name: 'webhook.duplicates',
  compares:
    'one push delivered 10,000 times, 50 at a time, through the packaged template on this machine, against as many pings',
  measure: 'wall',
  target: 0.2,
  // 1 execution and 0 errors is all that is promised
  pairs: 1,
  prepare,
}

function prepare(progress: (text: string) => void): Pair {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-bench-duplicates-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  try {
    progress('packaging the template')
    const root = resolve(import.meta.dirname, '..')
    execFileSync('npm', ['run', '--silent', 'package'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
    const template = join(root, '.serverless/cloudformation-template-update-stack.json')
    const { deliveries } = writeDeliveries(folder)
    const side = join(import.meta.dirname, 'sides/deliver-duplicates.ts')
    const command = (event: string): [string, ...string[]] => [
      process.execPath,
      side,
      folder,
      template,
      event,
      String(DELIVERIES),
      String(AT_ONCE),
    ]
    const reset = (event: string) => () => rmSync(join(folder, event), { recursive: true, force: true })
    const countedWall = (printed: string): number => outcomeOf(printed).seconds
    return {
      ours: { label: 'one push', command: command('push'), countedWall, reset: reset('push') },
      theirs: { label: 'pings', command: command('ping'), countedWall, reset: reset('ping') },
      sizes: { deliveries: DELIVERIES, atOnce: AT_ONCE, bytes: deliveries.examples.at(-1)?.body.length ?? 0 },
      versions: {},
      check({ ours, theirs }) {
        const [pushes, pings] = [outcomeOf(ours), outcomeOf(theirs)]
        // While the execution still runs, Step Functions answers a second start with the same input as it answered the first.
        const isRight =
          pushes.executions === 1 &&
          pushes.started + pushes.duplicates === DELIVERIES &&
          pings.executions === 0
        const faults = [pushes, pings].flatMap(({ errors, denied, firstError }) =>
          errors + denied === 0 ? [] : [`${errors} errors, ${denied} denied calls: ${firstError}`],
        )
        if (!isRight || faults.length > 0)
          throw new Error(
            `webhook.duplicates: expected 1 execution and no error, but ${pushes.executions} were started: ${JSON.stringify(pushes)} ${faults.join('; ')}`,
          )
      },
      details([run]) {
        const outcome = outcomeOf(run?.ours.printed ?? '')
        return {
          executions: outcome.executions,
          errors: outcome.errors,
          duplicates: outcome.duplicates,
          deliveriesPerSecond: Math.round(DELIVERIES / outcome.seconds),
        }
      },
      remove,
    }
  } catch (error) {
    remove()
    throw error
  }
}

function outcomeOf(printed: string): Outcome {
  return JSON.parse(printed.trimEnd().split('\n').at(-1) ?? '') as Outcome
}
