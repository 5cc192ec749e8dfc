import { describe } from 'vitest'
import { bucket, eachFault, type GoodTemplate } from './templates.ts'

const statement = (t: GoodTemplate) => t.Resources.StateBucketPolicy.Properties.PolicyDocument.Statement[0]

describe('buckets', () => {
  eachFault([
    [
      'open to the public in one way',
      (t) =>
        (bucket(t).Properties['PublicAccessBlockConfiguration'] = {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
        }),
      'StateBucket.PublicAccessBlockConfiguration (buckets): the bucket could be opened to the public: RestrictPublicBuckets not set',
    ],
    [
      'no word about encryption',
      (t) => delete bucket(t).Properties['BucketEncryption'],
      'StateBucket.BucketEncryption (buckets): the template does not say',
    ],
    [
      'objects of other owners',
      (t) => (bucket(t).Properties['OwnershipControls'] = { Rules: [{ ObjectOwnership: 'ObjectWriter' }] }),
      'StateBucket.OwnershipControls (buckets): objects may belong',
    ],
    [
      'no policy',
      (t) => Reflect.deleteProperty(t.Resources, 'StateBucketPolicy'),
      'StateBucket (buckets): nothing refuses requests without TLS',
    ],
    [
      'a policy that allows',
      (t) =>
        Object.assign(statement(t) ?? {}, {
          Effect: 'Allow',
          Principal: { AWS: 'arn:aws:iam::123456789012:root' },
          Action: 's3:ListBucket',
        }),
      'StateBucket (buckets): nothing refuses requests without TLS',
    ],
    [
      'a policy for some requests',
      (t) => Object.assign(statement(t) ?? {}, { Action: 's3:GetObject' }),
      'StateBucket (buckets): nothing refuses requests without TLS',
    ],
    [
      'a policy for the objects alone',
      (t) => Object.assign(statement(t) ?? {}, { Resource: { 'Fn::Sub': '${StateBucket.Arn}/*' } }),
      'StateBucket (buckets): nothing refuses requests without TLS',
    ],
    [
      'a policy for requests with TLS',
      (t) => Object.assign(statement(t) ?? {}, { Condition: { Bool: { 'aws:SecureTransport': 'true' } } }),
      'StateBucket (buckets): nothing refuses requests without TLS',
    ],
  ])
})
