import type { KeyChange } from '../../../functions/shared/contract.ts'
import { everyPublisherKnows, publicKeysOf } from '../../../functions/shared/key-lifetime.ts'
import { stateKeys } from '../../../functions/shared/keys.ts'
import { findJson } from '../../../functions/shared/objects.ts'
import type { Resigning, SigningKeys } from '../../../functions/shared/records.ts'
import type { Deployment } from '../deployment.ts'
import { followExecution, runExecution, startExecution } from '../follow-execution.ts'
import { nixConf, nixConfig, substituterOf } from './client-settings.ts'
import { formatForeigners, formatKeys, formatResigning } from './format-keys.ts'
import { listKeys, listResigning } from './listed-keys.ts'

/** `hearth keys list`: needs no more than to read the state bucket. */
export async function showKeys({ state }: Deployment, json: boolean): Promise<void> {
  const [record, resigning] = await readRecords(state)
  const keys = listKeys(record, resigning, new Date())
  if (json)
    console.log(
      JSON.stringify({ keys, ...(resigning === undefined ? {} : { resigning: listResigning(resigning) }) }),
    )
  else
    console.log(
      [formatKeys(keys), ...(resigning === undefined ? [] : [formatResigning(resigning)])].join('\n'),
    )
}

/** `hearth keys create|rotate|retire`: has Publish do it, and says what clients must trust from now on. */
export async function changeKeys(
  deployment: Deployment,
  change: Exclude<KeyChange, { change: 'resign' }>,
  json: boolean,
): Promise<void> {
  await runExecution(deployment.sfn, deployment.keysStateMachine, change.change, change)
  const [record, resigning] = await readRecords(deployment.state)
  const publicKeys = publicKeysOf(record)
  const substituter = substituterOf(deployment.cacheBucket, deployment.region)
  const settings = { substituter, publicKeys }
  if (json) {
    const keys = listKeys(record, resigning, new Date())
    console.log(JSON.stringify({ keys, nixConf: nixConf(settings), nixConfig: nixConfig(settings) }))
    return
  }
  console.log(
    [
      NEXT[change.change],
      '',
      '# nix.conf',
      nixConf(settings),
      '',
      '# flake.nix',
      nixConfig(settings),
      '',
      formatKeys(listKeys(record, resigning, new Date())),
    ].join('\n'),
  )
}

const NEXT = {
  create: 'A signing key was made; everything that is published from now on is signed with it. Clients need:',
  rotate:
    'A new signing key was made; everything that is published from now on is signed with every key below. Give the new key to the clients, and run `hearth keys resign`. Clients need:',
  retire: 'The key signs nothing any more, and may be taken from the clients. They need:',
}

/** `hearth keys resign`: Returns the exit code: 1 when there are narinfos that none of our keys has signed. */
export async function resign(
  deployment: Deployment,
  { rate, wait }: { rate: number; wait: boolean },
  json: boolean,
): Promise<number> {
  const change: KeyChange = { change: 'resign', rate }
  const { sfn, keysStateMachine } = deployment
  const execution = await startExecution(sfn, keysStateMachine, change.change, change)
  if (!wait) {
    console.log(
      json ? JSON.stringify({ execution }) : 're-signing has started: `hearth keys list` says how far it is',
    )
    return 0
  }
  let said = ''
  await followExecution(sfn, execution, async () => {
    const line = progressOf(execution, ...(await readRecords(deployment.state)), new Date())
    if (line !== said) console.error(line)
    said = line
  })
  const [, resigning] = await readRecords(deployment.state)
  if (resigning === undefined) return 1
  const foreign = resigning.foreign > 0 ? [formatForeigners(resigning)] : []
  console.log(
    json
      ? JSON.stringify({ ...listResigning(resigning), foreigners: resigning.foreigners })
      : [formatResigning(resigning), ...foreign].join('\n'),
  )
  return resigning.foreign > 0 ? 1 : 0
}

function progressOf(
  execution: string,
  record: SigningKeys | undefined,
  resigning: Resigning | undefined,
  now: Date,
): string {
  if (resigning !== undefined && execution.endsWith(`:${resigning.execution}`))
    return formatResigning(resigning)
  const from = everyPublisherKnows(record)
  return from === undefined || from <= now
    ? 'starting'
    : `waiting until ${from.toISOString()}: before that, something may still be published without the newest key’s signature`
}

async function readRecords(
  state: Deployment['state'],
): Promise<[SigningKeys | undefined, Resigning | undefined]> {
  return Promise.all([
    findJson<SigningKeys>(state, stateKeys.signingKeys),
    findJson<Resigning>(state, stateKeys.resigning),
  ])
}
