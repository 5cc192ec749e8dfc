import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { S3Client } from '@aws-sdk/client-s3'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { SFNClient } from '@aws-sdk/client-sfn'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { HearthError } from '../../functions/shared/errors.ts'
import type { Bucket } from '../../functions/shared/objects.ts'

/** One deployed Hearth, in an AWS account or on this machine. */
export interface Deployment {
  sfn: SFNClient
  lambda: LambdaClient
  secrets: SecretsManagerClient
  stage: string
  state: Bucket
  staging: Bucket
  cacheBucket: string
  stagingBucket: string
  region: string
  warmStateMachine: string
  keysStateMachine: string
  repairStateMachine: string
  indexStateMachine: string
  tokenFunction: string
  webhookSecret: string
  gitHubCredentials: string
  /** where a local system takes deliveries; one in AWS says so itself */
  webhook: string | undefined
  executionArn: (run: string) => string
  /** the activity that workers of a system poll */
  activity: (system: string) => string
}

export interface DeploymentOptions {
  stage: string
  /** the system on this machine, and not the one in AWS */
  local?: boolean
  /** where a local system keeps its state */
  folder: string
}

export class NoDeployment extends HearthError {
  override name = 'NoDeployment'
}

/**
 * Finds a deployment by the caller's own account and region: resources/ names everything `hearth-<stage>-…`.
 * @throws NoDeployment when nobody is signed in, or no local system is running
 */
export async function findDeployment({ stage, local, folder }: DeploymentOptions): Promise<Deployment> {
  const webhook = local === true ? await useLocalSystem(folder) : undefined
  const sts = new STSClient({})
  const region = await sts.config.region().catch(() => undefined)
  if (region === undefined)
    throw new NoDeployment(
      'no AWS region is set: set AWS_REGION, or use --local for a system on this machine',
    )
  const account = await callerAccount(sts)
  const partition = region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
  const states = `arn:${partition}:states:${region}:${account}`
  const s3 = new S3Client({})
  const machine = `hearth-${stage}-warm`
  return {
    sfn: new SFNClient({}),
    lambda: new LambdaClient({}),
    secrets: new SecretsManagerClient({}),
    stage,
    state: { s3, name: `hearth-${stage}-state-${account}-${region}` },
    staging: { s3, name: `hearth-${stage}-staging-${account}-${region}` },
    cacheBucket: `hearth-${stage}-cache-${account}-${region}`,
    stagingBucket: `hearth-${stage}-staging-${account}-${region}`,
    region,
    warmStateMachine: `${states}:stateMachine:${machine}`,
    keysStateMachine: `${states}:stateMachine:hearth-${stage}-keys`,
    repairStateMachine: `${states}:stateMachine:hearth-${stage}-repair`,
    indexStateMachine: `${states}:stateMachine:hearth-${stage}-index`,
    tokenFunction: `hearth-${stage}-token`,
    webhookSecret: `hearth/${stage}/webhook`,
    gitHubCredentials: `hearth/${stage}/github`,
    webhook,
    executionArn: (run) => `${states}:execution:${machine}:${run}`,
    activity: (system) => `${states}:activity:hearth-${stage}-${system}`,
  }
}

async function callerAccount(sts: STSClient): Promise<string> {
  try {
    const { Account } = await sts.send(new GetCallerIdentityCommand({}))
    if (Account !== undefined) return Account
  } catch (error) {
    throw new NoDeployment(
      `AWS does not know who you are (${error instanceof Error ? error.message : String(error)}): sign in, for example with \`aws sso login\``,
    )
  }
  throw new NoDeployment('AWS named no account for these credentials')
}

/** Points the AWS SDK of this process at a system on this machine, as its operator. @returns where it takes deliveries */
async function useLocalSystem(folder: string): Promise<string | undefined> {
  const file = join(folder, 'stack.json')
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch {
    throw new NoDeployment(`there is no local system in ${folder}: start one with \`npm run demo -- --keep\``)
  }
  const { endpoint, api, region, operator } = JSON.parse(text) as {
    endpoint: string
    api?: string
    region: string
    operator: { accessKeyId: string; secretAccessKey: string }
  }
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: operator.accessKeyId,
    AWS_SECRET_ACCESS_KEY: operator.secretAccessKey,
  })
  return api === undefined ? undefined : `${api}/github`
}
