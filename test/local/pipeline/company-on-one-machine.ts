import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StartExecutionCommand } from '@aws-sdk/client-sfn'
import { currentConfig, storedConfig } from '../../../functions/shared/config.ts'
import { stateKeys } from '../../../functions/shared/keys.ts'
import { writeJson } from '../../../functions/shared/objects.ts'
import type { Config } from '../../../functions/shared/parse-config.ts'
import { ensurePrerequisites } from '../../../local/demo/prerequisites.ts'
import { deliver } from '../../../local/demo/push.ts'
import { endOfRun, type EndedRun } from '../../../local/demo/run.ts'
import { verifyCache } from '../../../local/demo/verify.ts'
import { makeView } from '../../../local/demo/view.ts'
import { type DemoWorld, startWorld } from '../../../local/demo/world.ts'
import { type Delivery, pushWebhook, signDelivery } from '../../../local/github/push-webhook.ts'
import type { StackEvent } from '../../../local/stack/stack-events.ts'

/** The company of the demo, for tests: the packaged template, real Nix, real HTTP. */
export interface TestCompany {
  world: DemoWorld
  /** Sends a delivery, and follows the run that it starts. */
  send: (delivery: Delivery) => Promise<EndedRun>
  /** Commits a change, pushes it, and follows the run that its webhook starts. */
  push: (file: string, text: string) => Promise<EndedRun>
  /** Sends a delivery of this payload, signed with the right secret, and follows the run if one is started. */
  deliverPayload: (payload: object) => Promise<EndedRun>
  /** Changes hearth.yml of what runs from now on. */
  configure: (change: (config: Config) => Config) => Promise<void>
  /** Starts an execution by hand with any input at all, and follows it. */
  startByHand: (name: string, input: unknown) => Promise<EndedRun>
  /** Calls back on every event of the stack until the returned function is called. */
  onEvent: (listener: (event: StackEvent) => void) => () => void
  executionArn: (run: string) => string
  /** Everything that a client could find wrong with the cache: nothing, always. */
  faultsOfCache: () => Promise<string[]>
  close: () => Promise<void>
}

/**
 * @param evaluation what one evaluation may cost
 * @param systems as in the demo; with MAC among them there is a Mac
 * @param machines for each Linux
 * @param onLine is told everything that the demo would print
 * @param macs as in the demo
 */
export async function startTestCompany(
  evaluation: { secondsPerSystem: number; megabytes: number },
  systems?: string[],
  machines?: number,
  onLine: (line: string) => void = () => undefined,
  macs?: 'worker' | 'fleet',
): Promise<TestCompany> {
  const lines: string[] = []
  await ensurePrerequisites((line) => lines.push(line))
  const folder = await mkdtemp(join(tmpdir(), 'hearth-pipeline-'))
  const listeners = new Set<(event: StackEvent) => void>()
  const view = makeView(onLine)
  const world = await startWorld(
    folder,
    view,
    (event) => listeners.forEach((listener) => listener(event)),
    evaluation,
    systems,
    machines,
    macs,
  )
  const machine = world.stack.physicalId('WarmStateMachine')
  const executionArn = (run: string): string => `${machine.replace(':stateMachine:', ':execution:')}:${run}`
  const follow = (run: string): Promise<EndedRun> => endOfRun(world.sfn, world.state, executionArn(run))
  const send = async (delivery: Delivery): Promise<EndedRun> => {
    const { status, body } = await deliver(world, delivery)
    if (body.run === undefined)
      throw new Error(`the webhook started nothing: ${status} ${JSON.stringify(body)}`)
    return follow(body.run)
  }
  return {
    world,
    executionArn,
    send,
    async push(file, text) {
      const { before, after } = await world.company.push({ file, text, message: `change ${file}` })
      const push = { repository: world.repository, ref: 'refs/heads/main', before, after }
      return send(await pushWebhook(push, world.webhookSecret))
    },
    async deliverPayload(payload) {
      return send(await signDelivery('push', JSON.stringify(payload), world.webhookSecret))
    },
    async configure(change) {
      const { config } = await currentConfig(world.state)
      const stored = storedConfig(change(config))
      await writeJson(world.state, stateKeys.config(stored.sha256), stored)
      await writeJson(world.state, stateKeys.currentConfig, stored)
    },
    async startByHand(name, input) {
      await world.sfn.send(
        new StartExecutionCommand({ stateMachineArn: machine, name, input: JSON.stringify(input) }),
      )
      return follow(name)
    },
    onEvent(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async faultsOfCache() {
      const { faults } = await verifyCache(folder)
      return faults.map(({ fault, key, detail }) => `${fault}: ${key}: ${detail}`)
    },
    async close() {
      await world.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
