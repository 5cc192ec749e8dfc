import { setTimeout as sleep } from 'node:timers/promises'
import { DescribeExecutionCommand, type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn'
import type { KeyChange } from '../../functions/shared/contract.ts'
import { publicKeysOf } from '../../functions/shared/key-lifetime.ts'
import { stateKeys } from '../../functions/shared/keys.ts'
import { type Bucket, readJson } from '../../functions/shared/objects.ts'
import type { SigningKeys } from '../../functions/shared/records.ts'

const POLL_MS = 200

/**
 * Has Publish make the key that signs the cache, as `hearth keys create` does: nobody else ever sees it.
 * @returns its public half
 */
export async function createSigningKey(
  sfn: SFNClient,
  state: Bucket,
  keysStateMachine: string,
  name: string,
): Promise<string> {
  const change: KeyChange = { change: 'create', name }
  const started = await sfn.send(
    new StartExecutionCommand({ stateMachineArn: keysStateMachine, input: JSON.stringify(change) }),
  )
  for (;;) {
    const { status, error, cause } = await sfn.send(
      new DescribeExecutionCommand({ executionArn: started.executionArn }),
    )
    if (status === 'SUCCEEDED') break
    if (status !== 'RUNNING') throw new Error(`no signing key was made: ${error ?? status}: ${cause ?? ''}`)
    await sleep(POLL_MS)
  }
  const [publicKey] = publicKeysOf(await readJson<SigningKeys>(state, stateKeys.signingKeys))
  if (publicKey === undefined) throw new Error('a signing key was made, and its record names none')
  return publicKey
}
