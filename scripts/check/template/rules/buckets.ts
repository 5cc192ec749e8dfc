import type { Fault } from '../../finding.ts'
import { objectOf, objectsOf, type Json } from '../../json.ts'
import { fault, type Rule } from '../rule.ts'
import { referencesIn, referredResource, resourcesOf, type Resource, type Template } from '../template.ts'

const blocks = ['BlockPublicAcls', 'BlockPublicPolicy', 'IgnorePublicAcls', 'RestrictPublicBuckets']

// osls writes this bucket and has no setting for its ownership: S3's default for new buckets is BucketOwnerEnforced since April 2023.
const deploymentBucket = 'ServerlessDeploymentBucket'

/** Buckets are closed to the public, encrypted, owned by us whoever writes, and speak TLS only. */
export const buckets: Rule = {
  name: 'buckets',
  *check(template) {
    for (const bucket of resourcesOf(template, 'AWS::S3::Bucket')) yield* checkBucket(template, bucket)
  },
}

function* checkBucket(template: Template, bucket: Resource): Generator<Fault> {
  const {
    PublicAccessBlockConfiguration: access,
    BucketEncryption: encryption,
    OwnershipControls: ownership,
  } = bucket.properties
  const open = blocks.filter((block) => objectOf(access)[block] !== true)
  if (open.length > 0) {
    const problem = `the bucket could be opened to the public: ${open.join(', ')} not set`
    const remedy =
      bucket.id === deploymentBucket
        ? 'set provider.deploymentBucket.blockPublicAccess: true'
        : 'set all four to true'
    yield fault(bucket, 'PublicAccessBlockConfiguration', problem, remedy)
  }
  const rules = objectsOf(objectOf(encryption)['ServerSideEncryptionConfiguration'])
  if (!rules.some(({ object }) => 'SSEAlgorithm' in objectOf(object['ServerSideEncryptionByDefault']))) {
    yield fault(
      bucket,
      'BucketEncryption',
      'the template does not say how the bucket is encrypted',
      'set an SSEAlgorithm',
    )
  }
  const owners = objectsOf(objectOf(ownership)['Rules']).map(({ object }) => object['ObjectOwnership'])
  if (bucket.id !== deploymentBucket && !owners.includes('BucketOwnerEnforced')) {
    const problem = 'objects may belong to whoever wrote them'
    yield fault(bucket, 'OwnershipControls', problem, 'set ObjectOwnership: BucketOwnerEnforced')
  }
  const policies = resourcesOf(template, 'AWS::S3::BucketPolicy').filter(
    ({ properties }) => referredResource(template, properties['Bucket']) === bucket,
  )
  if (!policies.some((policy) => refusesPlainHttp(policy, bucket))) {
    const remedy =
      'add a bucket policy that denies s3:* on it and its objects to * when aws:SecureTransport is false'
    yield fault(bucket, '', 'nothing refuses requests without TLS', remedy)
  }
}

function refusesPlainHttp({ properties }: Resource, bucket: Resource): boolean {
  const { Statement: statements } = objectOf(properties['PolicyDocument'])
  return objectsOf([statements].flat()).some(({ object }) => {
    const {
      Effect: effect,
      Principal: principal,
      Action: action,
      Resource: resource,
      Condition: condition,
    } = object
    const isForAll = principal === '*' || objectOf(principal)['AWS'] === '*'
    const { 'aws:SecureTransport': transport } = objectOf(objectOf(condition)['Bool'])
    const isWithoutTls = transport === false || transport === 'false'
    const covers = [resource].flat().filter((item) => item !== undefined)
    return effect === 'Deny' && isForAll && action === 's3:*' && isWithoutTls && coversBoth(covers, bucket)
  })
}

function coversBoth(resources: Json[], bucket: Resource): boolean {
  const own = resources.filter((resource) => [...referencesIn(resource)].some(({ to }) => to === bucket.id))
  const ofObjects = own.filter((resource) => JSON.stringify(resource).includes('/*"'))
  return ofObjects.length > 0 && own.length > ofObjects.length
}
