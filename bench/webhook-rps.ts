import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleSide } from './bundle.ts'
import type { Figure, Pair } from './figure.ts'
import { onOneCore } from './one-core.ts'
import { benchServers } from './server-process.ts'
import type { RoundTimes } from './sides/delivery-rounds.ts'
import { seriesOf } from './statistics.ts'
import { writeDeliveries } from './webhook-deliveries.ts'

/**
 * The webhook's handler against the least that anything can do with a delivery. Only deliveries of pushes count, in CPU time; what a ping takes, which starts
 * nothing, is told beside it.
 */
export const webhookRps: Figure = {
  name: 'webhook.rps',
  compares:
    'pushes through the webhook’s handler, each starting an execution, on one core, against HMAC and JSON.parse alone',
  measure: 'cpu',
  target: 0.05,
  prepare,
}

function prepare(progress: (text: string) => void): Pair {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-bench-webhook-'))
  const servers = benchServers(folder)
  try {
    progress('signing deliveries')
    const { file, deliveries } = writeDeliveries(folder)
    const { endpoint } = servers.serve('start-execution-server')
    const environment = [
      `AWS_ENDPOINT_URL=${endpoint}`,
      'AWS_REGION=us-east-1',
      'AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE',
      'AWS_SECRET_ACCESS_KEY=bench',
      'WEBHOOK_SECRET=arn:aws:secretsmanager:us-east-1:123456789012:secret:webhook',
      'WARM_STATE_MACHINE=arn:aws:states:us-east-1:123456789012:stateMachine:warm',
      'POWERTOOLS_SERVICE_NAME=hearth',
    ]
    const ours = [process.execPath, bundleSide('receive-webhooks', folder), file]
    const theirs = [process.execPath, bundleSide('hash-and-parse', folder), file]
    const counted = {
      countedCpu: (printed: string) => sum(printed, 'cpu'),
      countedWall: (printed: string) => sum(printed, 'wall'),
    }
    const average = deliveries.examples.reduce((bytes, { body }) => bytes + Buffer.byteLength(body), 0)
    return {
      ours: { label: 'the webhook', command: onOneCore(['env', ...environment, ...ours]), ...counted },
      theirs: { label: 'HMAC and JSON.parse alone', command: onOneCore(['env', ...theirs]), ...counted },
      sizes: {
        examples: deliveries.examples.length,
        bytesPerExample: Math.round(average / deliveries.examples.length),
        bytesOfLarge: Buffer.byteLength(deliveries.large[0]?.body ?? ''),
      },
      versions: {},
      check({ ours, theirs }) {
        for (const [kind, { accepted, asked }] of [
          ...Object.entries(timesOf(ours)),
          ...Object.entries(timesOf(theirs)),
        ])
          if (accepted !== asked)
            throw new Error(`webhook.rps: of ${asked} deliveries (${kind}) only ${accepted} were accepted`)
      },
      details(runs) {
        const rate = (side: 'ours' | 'theirs', kind: keyof RoundTimes, measure: 'cpu' | 'wall'): number =>
          seriesOf(
            runs.map((run) => {
              const times = timesOf(run[side].printed)[kind]
              return times.asked / times[measure]
            }),
          ).median
        return {
          examplesPerSecond: rate('ours', 'examples', 'wall'),
          examplesPerCpuSecond: rate('ours', 'examples', 'cpu'),
          largePerSecond: rate('ours', 'large', 'wall'),
          largePerCpuSecond: rate('ours', 'large', 'cpu'),
          pingsPerCpuSecond: rate('ours', 'pings', 'cpu'),
          leastExamplesPerCpuSecond: rate('theirs', 'examples', 'cpu'),
          leastLargePerCpuSecond: rate('theirs', 'large', 'cpu'),
        }
      },
      remove: servers.remove,
    }
  } catch (error) {
    servers.remove()
    throw error
  }
}

/** The last line: before it stands what the webhook logged. */
function timesOf(printed: string): RoundTimes {
  return JSON.parse(printed.trimEnd().split('\n').at(-1) ?? '') as RoundTimes
}

function sum(printed: string, measure: 'cpu' | 'wall'): number {
  const { examples, large } = timesOf(printed)
  return examples[measure] + large[measure]
}
