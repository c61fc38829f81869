"""Mistakes in the template: access, data, queues, time, alarms, environment."""

from tests.mutations.row import in_file

ROWS = in_file(
    "template.yaml",
    "tests/unit/template",
    (
        # Access.
        ("Effect: Deny", "Effect: Allow", "the data bucket is open to all", "  DataBucketPolicy:"),
        (
            "aws:SecureTransport: false",
            "aws:SecureTransport: true",
            "the inbox refuses those who encrypt",
            "  InboxBucketPolicy:",
        ),
        (
            "aws:SecureTransport: false",
            "aws:SecureTransport: true",
            "notifications go in the clear",
            "  TopicPolicy:",
        ),
        (
            '!Sub "${DataBucket.Arn}/*"]',
            "!GetAtt DataBucket.Arn]",
            "objects are read in the clear",
            "  DataBucketPolicy:",
        ),
        (
            "aws:SourceArn",
            "aws:PrincipalArn",
            "any bucket fills the intake queue",
            "  IntakeQueuePolicy:",
        ),
        (
            "aws:SourceAccount",
            "aws:PrincipalAccount",
            "a bucket of the same name elsewhere fills the queue",
            "  LibraryQueuePolicy:",
        ),
        (
            "rule/${AWS::StackName}-misplaced",
            "rule/*",
            "any rule fills the intake queue",
            "  IntakeQueuePolicy:",
        ),
        (
            "BlockPublicPolicy: true",
            "BlockPublicPolicy: false",
            "results may be made public",
            "  DataBucket:",
        ),
        (
            "RestrictPublicBuckets: true",
            "RestrictPublicBuckets: false",
            "questions may be public",
            "  InboxBucket:",
        ),
        (
            "BucketOwnerEnforced",
            "ObjectWriter",
            "files of others can't be read",
            "  InboxBucket:",
        ),
        (
            "- !Ref OpenAIKeyRights",
            "- !Ref LedgerRights",
            "submit can't read its key",
            "  SubmitRole:",
        ),
        (
            'Resource: !Sub "${InboxBucket.Arn}/inbox/*"',
            'Resource: "*"',
            "intake reads every bucket of the account",
            "  IntakeRole:",
        ),
        # Data.
        (
            "DeletionPolicy: Retain",
            "DeletionPolicy: Delete",
            "results are deleted with the stack",
            "  DataBucket:",
        ),
        (
            "UpdateReplacePolicy: Retain",
            "UpdateReplacePolicy: Delete",
            "a renamed bucket takes all files along",
            "  InboxBucket:",
        ),
        (
            "DeletionPolicy: Retain",
            "DeletionPolicy: Delete",
            "running jobs are forgotten with the stack",
            "  Ledger:",
        ),
        (
            "Status: Enabled\n\n",
            "Status: Suspended\n\n",
            "a job reads another file than was dropped",
            "  InboxBucket:",
        ),
        ("Prefix: parts/", "Prefix: results/", "results are deleted after 30 days"),
        (
            "            ExpirationInDays: !Ref PartsRetentionDays\n            Prefix: parts/\n",
            "            ExpirationInDays: !Ref PartsRetentionDays\n",
            "everything is deleted after 30 days",
        ),
        (
            "NoncurrentDays: !Ref PartsRetentionDays",
            "NoncurrentDays: 1",
            "a replaced file is gone before its job is",
            "  InboxBucket:",
        ),
        (
            "AttributeName: expires_at\n        Enabled: true",
            "AttributeName: expires_at\n        Enabled: false",
            "rows pile up for ever",
            "  Ledger:",
        ),
        (
            "AttributeName: expires_at",
            "AttributeName: due",
            "DynamoDB deletes jobs that are due",
            "      TimeToLiveSpecification:\n        ",
        ),
        (
            "PointInTimeRecoveryEnabled: true",
            "PointInTimeRecoveryEnabled: false",
            "a ledger that is damaged is lost",
            "  Ledger:",
        ),
        (
            "ProjectionType: ALL",
            "ProjectionType: KEYS_ONLY",
            "poll reads rows that hold nothing",
            "  Ledger:",
        ),
        # Queues.
        (
            "maxReceiveCount: 5",
            "maxReceiveCount: 1",
            "one failure makes a dead letter",
            "  IntakeQueue:",
        ),
        (
            "maxReceiveCount: 5",
            "maxReceiveCount: 50",
            "a dead end is told of after days",
            "  LandQueue:",
        ),
        (
            "VisibilityTimeout: !FindInMap [Patience, !Ref FunctionTimeoutSeconds, Visibility]",
            "VisibilityTimeout: 30",
            "a message is given out while its function works",
            "  SubmitQueue:",
        ),
        ("BatchSize: 1 ", "BatchSize: 10 ", "one large file keeps nine others waiting"),
        (
            "            BatchSize: 1\n",
            "            BatchSize: 10\n",
            "a part that fails takes nine along",
            "  SubmitFunction:",
        ),
        (
            "[ReportBatchItemFailures]",
            "[]",
            "one document that fails takes nine along",
            "  LibraryFunction:",
        ),
        (
            "deadLetterTargetArn: !GetAtt LandDeadLetters.Arn",
            "deadLetterTargetArn: !GetAtt SubmitDeadLetters.Arn",
            "the wrong runbook is opened",
        ),
        ("Event: s3:ObjectRemoved:*", "Event: s3:ObjectCreated:*", "deleted documents answer"),
        (
            "MessageRetentionPeriod: 1209600",
            "MessageRetentionPeriod: 60",
            "dead letters vanish in a minute",
            "  LandDeadLetters:",
        ),
        (
            "prefix: [inbox/, libraries/]",
            "prefix: [inbox/]",
            "each document is told to lie in the wrong place",
        ),
        (
            "EventBridgeEnabled: true",
            "EventBridgeEnabled: false",
            "a misplaced file is met with silence",
        ),
        # Time, disk, events.
        ('Lease: "900"', 'Lease: "800"', "a claim is taken from a function that lives"),
        ('Visibility: "960"', 'Visibility: "900"', "a message comes before its claim is free"),
        ("      Timeout: 300\n", "      Timeout: 30\n", "a tick is cut off in the middle"),
        ("Timeout: 55 #", "Timeout: 95 #", "two audit runs hold one lease"),
        ("rate(1 minute)", "rate(1 hour)", "results come an hour late", "        EveryMinute:"),
        ("""'{"sweep": true}'""", """'{"sweep": false}'""", "nobody sweeps"),
        ("[Cancel Job, Approve Job]", "[Cancel Job]", "nobody can approve a held job"),
        ("[Cancel Job, Approve Job]", "[Approve Job]", "nobody can cancel a job"),
        (
            "MaximumRetryAttempts: 5",
            "MaximumRetryAttempts: 0",
            "a cancel is lost by one throttle",
            "        OperatorAsked:",
        ),
        ("Size: 10240", "Size: 512", "a mixed file fills the disk"),
        # Environment.
        (
            "          SUBMIT_QUEUE_URL: !Ref SubmitQueue\n",
            "",
            "accepted jobs are never submitted",
            "  IntakeFunction:",
        ),
        (
            "          LAND_QUEUE_URL: !Ref LandQueue\n",
            "          LAND_QUEUE_URL: !Ref SubmitQueue\n",
            "ended batches never land",
            "  PollFunction:",
        ),
        (
            "          LOST_ANSWER_SECONDS: !Ref LostAnswerSeconds\n",
            "",
            "a lost answer is looked for in another time than asked for",
            "  SubmitFunction:",
        ),
        ("LEDGER_TABLE: !Ref Ledger", "LEDGER_TABLE: !Ref AuditState", "no job is known"),
        # Alarms.
        ("Threshold: 172800", "Threshold: 1728000", "a stuck job is told of after 20 days"),
        (
            "Threshold: 3\n",
            "Threshold: 30\n",
            "failures are told of after the tenth hour",
            "  SubmitErrorsAlarm:",
        ),
        (
            "Statistic: Sum",
            "Statistic: Average",
            "failures are averaged away",
            "  LandErrorsAlarm:",
        ),
        (
            "TreatMissingData: breaching",
            "TreatMissingData: notBreaching",
            "a clock that stands still is quiet",
            "  PollNotRunAlarm:",
        ),
        (
            "TreatMissingData: breaching",
            "TreatMissingData: notBreaching",
            "an audit log that stopped is quiet",
            "  AuditNoEventsAlarm:",
        ),
        (
            "Threshold: 0\n",
            "Threshold: 10\n",
            "ten files are lost in silence",
            "  IntakeDeadLettersAlarm:",
        ),
        (
            "MetricName: ApproximateNumberOfMessagesVisible",
            "MetricName: NumberOfMessagesSent",
            "dead letters are not seen",
            "  LibraryDeadLettersAlarm:",
        ),
    ),
)
