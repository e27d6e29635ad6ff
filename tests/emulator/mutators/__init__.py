"""Who changes what in AWS from outside: one file for each service, each with a table of its types."""

from mutators import autoscaling, cloudmap, dynamodb, ec2, ecs, elb, iam, logs, rds, s3, sqs, ssm

KINDS = {name: kind for it in (autoscaling, cloudmap, dynamodb, ec2, ecs, elb, iam, logs, rds, s3, sqs, ssm) for name, kind in it.KINDS.items()}
