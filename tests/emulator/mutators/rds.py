"""Databases, and their groups of subnets and parameters."""

from mutators.common import Cannot, client, kind, listed, several

# What a property is called in a change, if otherwise.
NAMES = {"Port": "DBPortNumber", "VPCSecurityGroups": "VpcSecurityGroupIds"}
NUMBERS = ("Port", "AllocatedStorage")
DEFAULTS = {
    "BackupRetentionPeriod": 1, "MultiAZ": False, "DeletionProtection": False, "PubliclyAccessible": False, "AutoMinorVersionUpgrade": True,
    "CopyTagsToSnapshot": False, "EnablePerformanceInsights": False,
}
NEEDED = (
    "DBInstanceClass", "EngineVersion", "DBParameterGroupName", "AllocatedStorage", "MaxAllocatedStorage", "StorageType", "Iops",
    "VPCSecurityGroups", "Port", "PreferredBackupWindow", "PreferredMaintenanceWindow",
)


def rds():
    return client("rds")


def modify(change, **arguments):
    rds().modify_db_instance(DBInstanceIdentifier=change.id, ApplyImmediately=True, **arguments)


def field(change):
    name = change.property
    value = change.or_else(DEFAULTS[name]) if name in DEFAULTS else change.needed()
    modify(change, **{NAMES.get(name, name): int(value) if name in NUMBERS else value})


def storage(change):
    if int(change.needed()) < int(change.before or 0):
        raise Cannot("storage never shrinks")
    field(change)


def version(change):
    """Another major version has to be allowed."""
    modify(change, EngineVersion=change.needed(), AllowMajorVersionUpgrade=True)


def logs(change):
    before, after = set(change.before or []), set(change.value or [])
    wanted = {"EnableLogTypes": sorted(after - before), "DisableLogTypes": sorted(before - after)}
    modify(change, CloudwatchLogsExportConfiguration={key: it for key, it in wanted.items() if it})


def managed(change):
    """Who does not have the password managed has to say one."""
    if change.value:
        return modify(change, ManageMasterUserPassword=True)
    return modify(change, ManageMasterUserPassword=False, MasterUserPassword="from-the-console-1")


def groups_again(change):
    modify(change, VpcSecurityGroupIds=several(change.spec.get("VPCSecurityGroups")))


def snapshot(change):
    rds().create_db_snapshot(DBInstanceIdentifier=change.id, DBSnapshotIdentifier=f"console-{change.id}")


def description(change):
    subnet_group(change, change.spec["SubnetIds"], DBSubnetGroupDescription=change.needed())


def subnet_group(change, subnets, **more):
    rds().modify_db_subnet_group(DBSubnetGroupName=change.id, SubnetIds=subnets, **more)


def parameters(change):
    """Those that are named no more are the engine's again."""
    before, after = change.before or {}, change.value or {}
    gone = [{"ParameterName": name, "ApplyMethod": "immediate"} for name in before if name not in after]
    wanted = [{"ParameterName": name, "ParameterValue": it, "ApplyMethod": "immediate"} for name, it in after.items() if before.get(name) != it]
    if gone:
        rds().reset_db_parameter_group(DBParameterGroupName=change.id, Parameters=gone)
    if wanted:
        rds().modify_db_parameter_group(DBParameterGroupName=change.id, Parameters=wanted)


def instance_arn(change):
    told = change.outputs.get("DBInstanceArn")
    return told or rds().describe_db_instances(DBInstanceIdentifier=change.id)["DBInstances"][0]["DBInstanceArn"]


def subnet_group_arn(change):
    told = change.outputs.get("DBSubnetGroupArn")
    return told or rds().describe_db_subnet_groups(DBSubnetGroupName=change.id)["DBSubnetGroups"][0]["DBSubnetGroupArn"]


def parameter_group_arn(change):
    told = change.outputs.get("DBParameterGroupArn")
    return told or rds().describe_db_parameter_groups(DBParameterGroupName=change.id)["DBParameterGroups"][0]["DBParameterGroupArn"]


def tagging(arn):
    def tag(change, tags):
        rds().add_tags_to_resource(ResourceName=arn(change), Tags=listed(tags))

    def untag(change, keys):
        rds().remove_tags_from_resource(ResourceName=arn(change), TagKeys=keys)

    return tag, untag


KINDS = {
    "AWS::RDS::DBInstance": kind({
        **dict.fromkeys([*DEFAULTS, *NEEDED], field), "AllocatedStorage": storage, "EngineVersion": version,
        "EnableCloudwatchLogsExports": logs, "ManageMasterUserPassword": managed,
    }, {"contents": snapshot, "list_order": groups_again}, *tagging(instance_arn)),
    "AWS::RDS::DBSubnetGroup": kind({
        "DBSubnetGroupDescription": description, "SubnetIds": lambda change: subnet_group(change, change.needed()),
    }, {"list_order": lambda change: subnet_group(change, several(change.spec["SubnetIds"]))}, *tagging(subnet_group_arn)),
    "AWS::RDS::DBParameterGroup": kind({"Parameters": parameters}, {}, *tagging(parameter_group_arn)),
}
