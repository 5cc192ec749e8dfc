import {
  CopyObjectCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { CodeBuildClient, StartBuildCommand } from '@aws-sdk/client-codebuild'
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { GetActivityTaskCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn'
import { beforeAll, describe, expect, test } from 'vitest'
import { stagedKeys, stagingPrefixOfBuild } from '../../functions/shared/keys.ts'
import { answerTo, clientAs, deployedForThisFile, s3As } from './deployed.ts'

/*
 * The attacker has the credentials of one role of the deployed template: a builder's, an evaluator's, or a reader's. Every call goes to the local
 * gateway, which enforces the template's own policies. What a client would see is compared before and after.
 */
const deployed = deployedForThisFile({
  // with everything that a deployment may have
  AppleSiliconFleetArn: 'arn:aws:codebuild:us-east-1:123456789012:fleet/macs:1',
})

const OWN = 'hearth-x86-64-linux:11111111-1111-1111-1111-111111111111'
const OTHER = 'hearth-x86-64-linux:22222222-2222-2222-2222-222222222222'
const session = (build: string): string => `AWSCodeBuild-${build.split(':')[1]}`
const prefixOf = (role: string, build: string): string =>
  stagingPrefixOfBuild(deployed.stack.attribute(role, 'RoleId'), build)
const bucket = (name: 'Cache' | 'Staging' | 'State'): string => deployed.stack.physicalId(`${name}Bucket`)
const ONCE = { IfNoneMatch: '*' } as const
const NARINFO = `${'0'.repeat(32)}.narinfo`

/** Who attacks: with S3, and with every other service that a builder could think of. */
interface Attacker {
  s3: S3Client
  secrets: SecretsManagerClient
  sfn: SFNClient
  lambda: LambdaClient
  codebuild: CodeBuildClient
  /** its own staging prefix; a reader has none, and tries this one */
  own: string
  other: string
}

function attacker(role: string, build = OWN): Attacker {
  const client = clientAs(deployed, role, session(build))
  return {
    s3: s3As(deployed, role, session(build)),
    secrets: new SecretsManagerClient(client),
    sfn: new SFNClient(client),
    lambda: new LambdaClient(client),
    codebuild: new CodeBuildClient(client),
    own: prefixOf(role, build),
    other: prefixOf(role, OTHER),
  }
}

beforeAll(async () => {
  const operator = s3As(deployed)
  const put = (name: Parameters<typeof bucket>[0], Key: string): Promise<unknown> =>
    operator.send(new PutObjectCommand({ Bucket: bucket(name), Key, Body: 'honest' }))
  for (const role of ['BuilderRole', 'EvaluatorRole', 'WorkerRole'])
    for (const build of [OWN, OTHER]) await put('Staging', stagedKeys.evaluation(prefixOf(role, build)))
  await put('Cache', NARINFO)
  for (const key of ['config/current.json', 'runs/r/plans/1.json', 'runs/r/job.json', 'signing-keys.json'])
    await put('State', key)
  operator.destroy()
})

/** Every object of all buckets, with its contents' ETag. */
async function everything(): Promise<string[]> {
  const operator = s3As(deployed)
  const all = await Promise.all(
    (['Cache', 'Staging', 'State'] as const).map(async (name) => {
      const { Contents = [] } = await operator.send(new ListObjectsV2Command({ Bucket: bucket(name) }))
      return Contents.map(({ Key, ETag }) => `${name} ${Key} ${ETag}`)
    }),
  )
  operator.destroy()
  return all.flat()
}

type Line = [attack: string, call: (attacker: Attacker) => Promise<unknown>]
const put =
  (where: (attacker: Attacker) => { Bucket: string; Key: string }, more: object = ONCE): Line[1] =>
  (who) =>
    who.s3.send(new PutObjectCommand({ ...where(who), Body: 'evil', ...more }))
const staged = (key: (attacker: Attacker) => string) => (who: Attacker) => ({
  Bucket: bucket('Staging'),
  Key: key(who),
})
const inState = (Key: string) => () => ({ Bucket: bucket('State'), Key })
/** Whose prefix of staging it is. */
const idOf = (prefix: string): string => prefix.slice('staging/'.length, -1)
const jobsOf = (prefix: string): string => `jobs/${idOf(prefix)}/`
const inCache = (Key: string) => () => ({ Bucket: bucket('Cache'), Key })
const get =
  (where: (attacker: Attacker) => { Bucket: string; Key: string }): Line[1] =>
  (who) =>
    who.s3.send(new GetObjectCommand(where(who)))

/** S3 answers 200, and denies each object in the answer. */
async function deleteMany({ s3 }: Attacker): Promise<void> {
  const { Errors = [] } = await s3.send(
    new DeleteObjectsCommand({ Bucket: bucket('Cache'), Delete: { Objects: [{ Key: NARINFO }] } }),
  )
  for (const { Code } of Errors)
    throw Object.assign(new Error(Code), {
      $metadata: { httpStatusCode: Code === 'AccessDenied' ? 403 : 200 },
    })
}

async function expectDenied(role: string, call: Line[1]): Promise<void> {
  const before = await everything()
  expect(await answerTo(call(attacker(role)))).toBe('denied')
  expect(await everything()).toEqual(before)
}

/** What neither a builder nor an evaluator nor a reader may do. */
const FOR_NOBODY: Line[] = [
  [
    'reading the signing key',
    (who) =>
      who.secrets.send(new GetSecretValueCommand({ SecretId: deployed.stack.physicalId('SigningKey') })),
  ],
  [
    'replacing the signing key by its own',
    (who) =>
      who.secrets.send(
        new PutSecretValueCommand({ SecretId: deployed.stack.physicalId('SigningKey'), SecretString: '{}' }),
      ),
  ],
  [
    'reading the webhook secret',
    (who) =>
      who.secrets.send(new GetSecretValueCommand({ SecretId: deployed.stack.physicalId('WebhookSecret') })),
  ],
  ['writing a narinfo into the cache', put(inCache(`${'1'.repeat(32)}.narinfo`))],
  ['overwriting a narinfo of the cache', put(inCache(NARINFO), {})],
  ['writing a NAR into the cache', put(inCache(`nar/${'1'.repeat(52)}.nar.zst`))],
  ['overwriting nix-cache-info', put(inCache('nix-cache-info'), {})],
  ['deleting a narinfo', (who) => who.s3.send(new DeleteObjectCommand(inCache(NARINFO)()))],
  ['deleting many objects of the cache', (who) => deleteMany(who)],
  [
    'copying within the cache',
    (who) =>
      who.s3.send(
        new CopyObjectCommand({
          ...inCache(`${'2'.repeat(32)}.narinfo`)(),
          CopySource: `${bucket('Cache')}/${NARINFO}`,
        }),
      ),
  ],
  [
    'tagging a narinfo, for a lifecycle rule',
    (who) =>
      who.s3.send(
        new PutObjectTaggingCommand({
          ...inCache(NARINFO)(),
          Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] },
        }),
      ),
  ],
  ['listing staging', (who) => who.s3.send(new ListObjectsV2Command({ Bucket: bucket('Staging') }))],
  [
    'listing its own prefix of staging',
    (who) => who.s3.send(new ListObjectsV2Command({ Bucket: bucket('Staging'), Prefix: who.own })),
  ],
  [
    'listing uploads to staging',
    (who) => who.s3.send(new ListMultipartUploadsCommand({ Bucket: bucket('Staging') })),
  ],
  ['reading what it staged itself', get(staged((who) => stagedKeys.evaluation(who.own)))],
  ['reading what another build staged', get(staged((who) => stagedKeys.evaluation(who.other)))],
  [
    'asking whether another build staged something',
    (who) =>
      who.s3.send(new HeadObjectCommand(staged((attacked) => stagedKeys.evaluation(attacked.other))(who))),
  ],
  [
    'overwriting its own staged object',
    put(
      staged((who) => stagedKeys.evaluation(who.own)),
      {},
    ),
  ],
  [
    'overwriting it if it is the one it knows',
    put(
      staged((who) => stagedKeys.evaluation(who.own)),
      { IfMatch: '"x"' },
    ),
  ],
  [
    'deleting its own staged object',
    (who) =>
      who.s3.send(new DeleteObjectCommand(staged((attacked) => stagedKeys.evaluation(attacked.own))(who))),
  ],
  ["writing to another batch's prefix", put(staged((who) => `${who.other}results/x.json`))],
  ['writing to a prefix that begins like its own', put(staged((who) => `${who.own.slice(0, -1)}2/x`))],
  ['writing beside all prefixes', put(staged(() => 'x'))],
  [
    'climbing out of its prefix',
    put(
      staged((who) => `${who.own}../x`),
      {},
    ),
  ],
  [
    'an upload in parts that becomes an object without a condition',
    async (who) => {
      const where = staged((attacked) => `${attacked.own}big`)(who)
      const { UploadId } = await who.s3.send(new CreateMultipartUploadCommand(where))
      const upload = { ...where, UploadId }
      const { ETag } = await who.s3.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'evil' }))
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
      return who.s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload }))
    },
  ],
  [
    "an upload in parts below another build's prefix",
    (who) => who.s3.send(new CreateMultipartUploadCommand(staged((attacked) => `${attacked.other}big`)(who))),
  ],
  [
    "copying another build's NAR into its own prefix",
    (who) =>
      who.s3.send(
        new CopyObjectCommand({
          ...staged((attacked) => `${attacked.own}x`)(who),
          CopySource: `${bucket('Staging')}/${encodeURIComponent(stagedKeys.evaluation(who.other))}`,
        }),
      ),
  ],
  [
    'tagging what it staged',
    (who) =>
      who.s3.send(
        new PutObjectTaggingCommand({
          ...staged((attacked) => stagedKeys.evaluation(attacked.own))(who),
          Tagging: { TagSet: [] },
        }),
      ),
  ],
  [
    'reading tags of staging',
    (who) =>
      who.s3.send(
        new GetObjectTaggingCommand(staged((attacked) => stagedKeys.evaluation(attacked.own))(who)),
      ),
  ],
  ['changing the configuration', put(inState('config/current.json'), {})],
  ['reading the configuration', get(inState('config/current.json'))],
  ['replacing the graph of a run', put(inState('runs/r/graph.json.zst'))],
  ['replacing the archive that builders import', put(inState('runs/r/archive.zst'))],
  ['writing a batch of its own', put(inState('runs/r/batches/1-x86_64-linux.json'))],
  ['writing the outcome of a batch', put(inState('runs/r/outcomes/1-x86_64-linux.json'))],
  ['claiming that a build of it is published', put(inState(`published/${'0'.repeat(32)}.json`))],
  ['calling an evaluation the one of a commit', put(inState('evaluations/x.json'))],
  ['calling a commit warm', put(inState('warmed/acme/shells/x.json'))],
  ['replacing the program that builders run', put(inState('builders/x.zip'))],
  ['announcing a public key of its own', put(inState('signing-keys.json'), {})],
  [
    "reading another machine's job, and its task token",
    get((who) => inState(`${jobsOf(who.other)}1.json`)()),
  ],
  [
    "listing another machine's jobs",
    (who) => who.s3.send(new ListObjectsV2Command({ Bucket: bucket('State'), Prefix: jobsOf(who.other) })),
  ],
  [
    'listing the jobs of all machines',
    (who) => who.s3.send(new ListObjectsV2Command({ Bucket: bucket('State'), Prefix: 'jobs/' })),
  ],
  ['giving itself a job', put((who) => inState(`${jobsOf(who.own)}1.json`)())],
  ['giving another machine a job', put((who) => inState(`${jobsOf(who.other)}1.json`)())],
  [
    'calling another Mac alive',
    put((who) => inState(`workers/aarch64-darwin/${idOf(who.other)}.json`)(), {}),
  ],
  [
    'taking a batch from a Mac of another kind of activity',
    (who) =>
      who.sfn.send(
        new GetActivityTaskCommand({ activityArn: 'arn:aws:states:us-east-1:123456789012:activity:other' }),
      ),
  ],
  ['listing the state bucket', (who) => who.s3.send(new ListObjectsV2Command({ Bucket: bucket('State') }))],
  [
    'invoking Publish',
    (who) =>
      who.lambda.send(
        new InvokeCommand({
          FunctionName: deployed.stack.physicalId('PublishLambdaFunction'),
          Payload: '{}',
        }),
      ),
  ],
  ['asking for a token of the pipeline', (who) => invoke('TokenLambdaFunction')(who)],
  [
    'reading the credentials for GitHub',
    (who) =>
      who.secrets.send(
        new GetSecretValueCommand({ SecretId: deployed.stack.physicalId('GitHubCredentials') }),
      ),
  ],
  ['calling a nonce used', put(inState('tokens/x/y.json'))],
  [
    'starting a run',
    (who) =>
      who.sfn.send(
        new StartExecutionCommand({
          stateMachineArn: deployed.stack.physicalId('WarmStateMachine'),
          input: '{}',
        }),
      ),
  ],
  [
    'changing the keys',
    (who) =>
      who.sfn.send(
        new StartExecutionCommand({
          stateMachineArn: deployed.stack.physicalId('KeysStateMachine'),
          input: '{}',
        }),
      ),
  ],
  ...['LinuxX64Builder', 'AppleSiliconBuilder'].map((project): Line => [
    `starting a builder: ${project}`,
    (who) => who.codebuild.send(new StartBuildCommand({ projectName: deployed.stack.physicalId(project) })),
  ]),
]

const invoke =
  (name: string): Line[1] =>
  (who) =>
    who.lambda.send(new InvokeCommand({ FunctionName: deployed.stack.physicalId(name), Payload: '{}' }))

const takeFromMacs: Line[1] = (who) =>
  who.sfn.send(
    new GetActivityTaskCommand({ activityArn: deployed.stack.physicalId('Aarch64DarwinActivity') }),
  )

describe('a builder may not', () => {
  const lines: Line[] = [
    ...FOR_NOBODY,
    [
      'stage an evaluation, as an evaluator would',
      put(() => ({ Bucket: bucket('Staging'), Key: stagedKeys.evaluation(prefixOf('EvaluatorRole', '3')) })),
    ],
    ["read an evaluator's job", get(inState('runs/r/job.json'))],
    ["ask for an evaluator's token", invoke('EvaluationTokenLambdaFunction')],
    ['read a plan', get(inState('runs/r/plans/1.json'))],
    ['call itself a Mac', put((who) => inState(`workers/aarch64-darwin/${idOf(who.own)}.json`)(), {})],
    ['take a batch from the Macs', takeFromMacs],
  ]
  test.each(lines)('%s', async (_, call) => expectDenied('BuilderRole', call))
})

describe('a Mac worker may not', () => {
  const lines: Line[] = [
    ...FOR_NOBODY,
    ["read an evaluator's job", get(inState('runs/r/job.json'))],
    ['read a plan', get(inState('runs/r/plans/1.json'))],
    ["ask for an evaluator's token", invoke('EvaluationTokenLambdaFunction')],
    ['write a sign of life beside its own', put((who) => inState(`workers/${idOf(who.own)}.json`)(), {})],
    ['read the program that builders run', get(inState('builders/x.zip'))],
  ]
  test.each(lines)('%s', async (_, call) => expectDenied('WorkerRole', call))
})

describe('an evaluator may not', () => {
  const lines: Line[] = [
    ...FOR_NOBODY,
    [
      "stage a build's result, as a builder would",
      put(() => ({ Bucket: bucket('Staging'), Key: `${prefixOf('BuilderRole', OTHER)}x` })),
    ],
    ['read a plan', get(inState('runs/r/plans/1.json'))],
  ]
  test.each(lines)('%s', async (_, call) => expectDenied('EvaluatorRole', call))
})

describe('a reader, the role of every laptop, may not', () => {
  const lines: Line[] = [
    ...FOR_NOBODY,
    ["read an evaluator's job", get(inState('runs/r/job.json'))],
    ['read the archive of an evaluation, and the sources in it', get(inState('runs/r/archive.zst'))],
    ["ask for an evaluator's token", invoke('EvaluationTokenLambdaFunction')],
    ['stage anything', put(staged((who) => `${who.own}x`))],
  ]
  test.each(lines)('%s', async (_, call) => expectDenied('ReaderRole', call))
})

describe('what a builder may do, once', () => {
  test('stage below its own prefix, and not a second time', async () => {
    const who = attacker('BuilderRole')
    const write = put(staged(({ own }) => `${own}results/mine.json`))
    expect(await answerTo(write(who))).toBe('done')
    expect(await answerTo(write(who))).toBe('PreconditionFailed')
  })
  test('with a client without credentials: nothing', async () => {
    const nobody = new S3Client({
      ...clientAs(deployed),
      credentials: { accessKeyId: 'AKIA', secretAccessKey: 'x' },
      forcePathStyle: true,
    })
    expect(await answerTo(nobody.send(new GetObjectCommand(inCache(NARINFO)())))).toBe('denied')
    nobody.destroy()
  })
})

describe('an evaluation that later runs use again', () => {
  const write = (role: string) =>
    answerTo(
      s3As(deployed, role).send(
        new PutObjectCommand({ Bucket: bucket('State'), Key: 'evaluations/y.json', Body: '{}' }),
      ),
    )
  const read = (role: string) =>
    answerTo(
      s3As(deployed, role).send(new GetObjectCommand({ Bucket: bucket('State'), Key: 'evaluations/y.json' })),
    )
  test('is named by Plan alone', async () => {
    expect(await write('PlanRole')).toBe('done')
    for (const role of ['ResolveRole', 'PublishRole', 'RecordRole', 'TakeRole', 'ReportRole', 'WebhookRole'])
      expect([role, await write(role)]).toEqual([role, 'denied'])
  })
  test('is looked for by Resolve, which takes nothing of the run that has it', async () => {
    expect(await read('ResolveRole')).toBe('done')
    const graph = new GetObjectCommand({ Bucket: bucket('State'), Key: 'runs/r/plans/1.json' })
    expect(await answerTo(s3As(deployed, 'ResolveRole').send(graph))).toBe('denied')
  })
})

describe('what everybody is told of a run', () => {
  const send = (role: string, Source: string) => {
    const events = new EventBridgeClient(clientAs(deployed, role))
    return answerTo(
      events.send(
        new PutEventsCommand({ Entries: [{ Source, DetailType: 'Hearth Run Ended', Detail: '{}' }] }),
      ),
    ).finally(() => events.destroy())
  }
  test('an event of ours is sent by Report alone', async () => {
    expect(await send('ReportRole', 'hearth')).toBe('done')
    expect(await send('ReportRole', 'somebody.else')).toBe('denied')
    for (const role of [
      'PlanRole',
      'RecordRole',
      'PublishRole',
      'WebhookRole',
      'BuilderRole',
      'EvaluatorRole',
      'WorkerRole',
      'ReaderRole',
    ])
      expect([role, await send(role, 'hearth')]).toEqual([role, 'denied'])
  })
  test.each([
    ['runs/y/github.json', 'done'],
    ['runs/y/summary.json', 'done'],
    ['github/pace/acme/shells.json', 'done'],
    ['runs/y/job.json', 'denied'],
    ['runs/y/plans/1.json', 'denied'],
    ['runs/y/outcomes/1.json', 'denied'],
    ['runs/y/downloads.json', 'denied'],
    ['config/current.json', 'denied'],
    ['refs/acme/shells/refs%2Fheads%2Fmain.json', 'denied'],
    ['workers/aarch64-darwin/mac.json', 'denied'],
  ])('Report writes what it tells, and nothing that a run is made of: %s is %s', async (Key, expected) => {
    const s3 = s3As(deployed, 'ReportRole')
    expect(await answerTo(s3.send(new PutObjectCommand({ Bucket: bucket('State'), Key, Body: '{}' })))).toBe(
      expected,
    )
    s3.destroy()
  })
})

describe('a failure that is remembered', () => {
  const forget = (role: string) =>
    answerTo(
      s3As(deployed, role).send(new DeleteObjectCommand({ Bucket: bucket('State'), Key: 'failures/x.json' })),
    )
  test('is forgotten by Publish alone', async () => {
    expect(await forget('PublishRole')).toBe('done')
    for (const role of ['PlanRole', 'TakeRole', 'RecordRole', 'BuilderRole', 'EvaluatorRole'])
      expect([role, await forget(role)]).toEqual([role, 'denied'])
  })
})

describe('each function reads only what its state needs', () => {
  const as = (role: string, Key: string) =>
    answerTo(s3As(deployed, role).send(new GetObjectCommand({ Bucket: bucket('Staging'), Key })))
  test('Plan reads what evaluators stage, and nothing of a builder', async () => {
    expect(await as('PlanRole', stagedKeys.evaluation(prefixOf('EvaluatorRole', OWN)))).toBe('done')
    expect(await as('PlanRole', stagedKeys.evaluation(prefixOf('BuilderRole', OWN)))).toBe('denied')
  })
  test('Publish reads what builders stage, and nothing of an evaluator', async () => {
    expect(await as('PublishRole', stagedKeys.evaluation(prefixOf('BuilderRole', OWN)))).toBe('done')
    expect(await as('PublishRole', stagedKeys.evaluation(prefixOf('EvaluatorRole', OWN)))).toBe('denied')
    expect(await as('PublishRole', stagedKeys.archive(prefixOf('EvaluatorRole', OWN)))).toBe('denied')
  })
  test('the schedule reads what is on record of refs, and nothing else of the state', async () => {
    const key = 'refs/acme/shells/refs%2Fheads%2Fmain.json'
    const operator = s3As(deployed)
    for (const Key of [key, 'runs/r/summary.json'])
      await operator.send(new PutObjectCommand({ Bucket: bucket('State'), Key, Body: '{}' }))
    operator.destroy()
    const s3 = s3As(deployed, 'ScheduleRole')
    const list = (Prefix: string) =>
      answerTo(s3.send(new ListObjectsV2Command({ Bucket: bucket('State'), Prefix })))
    const read = (Key: string) => answerTo(s3.send(new GetObjectCommand({ Bucket: bucket('State'), Key })))
    expect(await list('refs/acme/shells/')).toBe('done')
    expect(await list('runs/')).toBe('denied')
    expect(await list('')).toBe('denied')
    expect(await read(key)).toBe('done')
    expect(await read('runs/r/summary.json')).toBe('denied')
    const forged = new PutObjectCommand({ Bucket: bucket('State'), Key: key, Body: 'x' })
    expect(await answerTo(s3.send(forged))).toBe('denied')
    s3.destroy()
  })
  test('of an evaluator Publish reads the inputs of a flake, and Plan all', async () => {
    const key = stagedKeys.inputs(prefixOf('EvaluatorRole', OWN)) + NARINFO
    const operator = s3As(deployed)
    await operator.send(new PutObjectCommand({ Bucket: bucket('Staging'), Key: key, Body: 'honest' }))
    operator.destroy()
    expect(await as('PublishRole', key)).toBe('done')
    expect(await as('RecordRole', key)).toBe('denied')
  })
  test('Record reads what the cache says of paths, and no path; of a run it writes what laptops download', async () => {
    const record = s3As(deployed, 'RecordRole')
    const read = (Key: string) =>
      answerTo(record.send(new GetObjectCommand({ Bucket: bucket('Cache'), Key })))
    const write = (Key: string) =>
      answerTo(record.send(new PutObjectCommand({ Bucket: bucket('State'), Key, Body: '{}' })))
    // missing, and not denied: it may list
    expect(await read(`${'4'.repeat(32)}.narinfo`)).toBe('NoSuchKey')
    expect(await read('nar/x.nar.zst')).toBe('denied')
    for (const key of [
      'runs/r/downloads.json',
      'path-facts/a.json.zst',
      'hits/acme/shells/2026-11-23.json.zst',
    ])
      expect([key, await write(key)]).toEqual([key, 'done'])
    for (const key of [
      'runs/r/plans/1.json',
      'runs/r/outcomes/1.json',
      'upstreams/a/b.json.zst',
      'index/paths.zst',
    ])
      expect([key, await write(key)]).toEqual([key, 'denied'])
    record.destroy()
  })
  test.each([
    'WebhookRole',
    'ScheduleRole',
    'ResolveRole',
    'PlanRole',
    'RecordRole',
    'ReportRole',
    'InstallRole',
    'WarmRole',
    'LaneRole',
    undefined,
  ])('the signing key is not for %s (undefined: an administrator)', async (role) => {
    const secrets = new SecretsManagerClient(clientAs(deployed, role))
    const SecretId = deployed.stack.physicalId('SigningKey')
    expect(await answerTo(secrets.send(new GetSecretValueCommand({ SecretId })))).toBe('denied')
    expect(await answerTo(secrets.send(new PutSecretValueCommand({ SecretId, SecretString: '{}' })))).toBe(
      'denied',
    )
    secrets.destroy()
  })
  test.each([
    'WebhookRole',
    'ScheduleRole',
    'ResolveRole',
    'PlanRole',
    'RecordRole',
    'ReportRole',
    'InstallRole',
  ])('the cache is not written by %s', async (role) => {
    const key = `${'3'.repeat(32)}.narinfo`
    expect(
      await answerTo(
        s3As(deployed, role).send(new PutObjectCommand({ Bucket: bucket('Cache'), Key: key, Body: 'evil' })),
      ),
    ).toBe('denied')
  })
})
