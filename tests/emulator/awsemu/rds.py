"""RDS: instances that take minutes, a status that lags behind a change, and groups that stay while they are used."""

from moto.rds.models import DBInstance, RDSBackend, rds_backends

from awsemu import ec2
from awsemu.wire import error

# Fact: an instance is creating for many minutes and deleting for some; played faster, in AWS's own order.
CREATING, DELETING = 240.0, 120.0
# Fact: after a change the status stays `available` for up to a minute before it is `modifying`.
LAG, MODIFYING = 15.0, 30.0
VERSIONS = {
    "mariadb": ["10.11.9", "11.4.3"], "mysql": ["8.0.39", "8.4.3"],
    "postgres": ["14.13", "15.8", "16.3", "16.4", "16.8", "17.2"],
}


def backend(call):
    return rds_backends[call.account][call.region]


def instance(call):
    return backend(call).databases.get(call.data.get("DBInstanceIdentifier", "").lower())


def before(call, world):
    rds = backend(call)
    if call.name in ("CreateDBInstance", "CreateDBInstanceReadReplica") and instance(call) is not None:
        return error(call, "DBInstanceAlreadyExists", "DB instance already exists")
    if call.name == "DeleteDBInstance":
        return delete(call, rds, world)
    if call.name == "ModifyDBInstance" and instance(call) is not None and instance(call).status != "available":
        return error(call, "InvalidDBInstanceState", f"Instance {instance(call).db_instance_identifier} cannot be modified in state {instance(call).status}; your request later")
    if call.name == "ResetDBParameterGroup":
        return reset_parameters(call, rds)
    if call.name == "DescribeDBEngineVersions":
        return engine_versions(call)
    users = rds.databases.values()
    if call.name == "DeleteDBSubnetGroup":
        name = call.data.get("DBSubnetGroupName")
        # Fact: a group goes only when no instance uses it, not even one that is going.
        if any(it.db_subnet_group_name == name for it in users):
            return error(call, "InvalidDBSubnetGroupStateFault", f"Cannot delete the subnet group '{name}' because at least one database instance is still using it.")
    if call.name == "DeleteDBParameterGroup":
        name = call.data.get("DBParameterGroupName")
        if any(it.db_parameter_group_name == name for it in users):
            return error(call, "InvalidDBParameterGroupState", f"One or more database instances are still members of this parameter group {name}")
    if call.name == "CreateDBSubnetGroup" and call.data.get("DBSubnetGroupName") in rds.subnet_groups:
        # Fact: a group's name is taken by the first one; moto writes over it.
        return error(call, "DBSubnetGroupAlreadyExists", f"The DB subnet group '{call.data['DBSubnetGroupName']}' already exists.")
    if call.name == "CreateDBSubnetGroup" or call.name == "ModifyDBSubnetGroup":
        from moto.ec2.models import ec2_backends

        asked = [text for key, text in call.data.items() if key.startswith("SubnetIds.")]
        wanted = [ec2_backends[call.account][call.region].get_subnet(subnet) for subnet in asked]
        there = rds.subnet_groups.get(call.data.get("DBSubnetGroupName"))
        # Fact: a group never leaves its VPC.
        if call.name == "ModifyDBSubnetGroup" and there is not None and {it.vpc_id for it in wanted} - {there.vpc_id}:
            return error(call, "InvalidSubnet", "The new Subnets are not in the same Vpc as the existing subnet group")
        # Fact: subnets that an instance stands in do not leave its group; in which one it stands is not played.
        used = there is not None and any(it.db_subnet_group_name == there.name for it in users)
        if call.name == "ModifyDBSubnetGroup" and used and not {it.id for it in wanted} & {it.id for it in there._subnets}:
            return error(call, "SubnetAlreadyInUse", "Some of the subnets to be deleted are currently in use by a DB instance")
        if len({it.availability_zone for it in wanted}) < 2:
            return error(call, "DBSubnetGroupDoesNotCoverEnoughAZs", "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Please add subnets to cover at least 2 AZs.")
    return None


def reset_parameters(call, rds):
    # Fact: a parameter that is reset goes back to the engine's default, and is then no longer the user's.
    name = call.data.get("DBParameterGroupName", "").lower()
    group = rds.db_parameter_groups.get(name)
    if group is None:
        return error(call, "DBParameterGroupNotFound", f"DBParameterGroup not found: {name}", 404)
    if call.data.get("ResetAllParameters") == "true":
        group.parameters.clear()
    for key, text in call.data.items():
        if key.startswith("Parameters.") and key.endswith(".ParameterName"):
            group.parameters.pop(text, None)
    return answer(call, f"<DBParameterGroupName>{name}</DBParameterGroupName>")


def engine_versions(call):
    # Fact: versions are listed oldest first; a few real ones stand for all.
    asked = call.data.get("Engine")
    found = [(engine, version) for engine, versions in VERSIONS.items() for version in versions if asked in (None, engine)]
    one = "<DBEngineVersion><Engine>{}</Engine><EngineVersion>{}</EngineVersion></DBEngineVersion>"
    return answer(call, f"<DBEngineVersions>{''.join(one.format(*it) for it in found)}</DBEngineVersions>")


def answer(call, inner):
    body = f"<{call.name}Response xmlns='http://rds.amazonaws.com/doc/2014-10-31/'><{call.name}Result>{inner}</{call.name}Result></{call.name}Response>"
    return 200, [("Content-Type", "text/xml")], body.encode()


def delete(call, rds, world):
    there = instance(call)
    if there is None or there.deletion_protection:
        return None
    if there.status == "deleting":
        return error(call, "InvalidDBInstanceState", f"Instance {there.db_instance_identifier} is already being deleted.")
    there.status = "deleting"
    final = call.data.get("FinalDBSnapshotIdentifier")
    skip = call.data.get("SkipFinalSnapshot") == "true"
    name = there.db_instance_identifier
    # Another of that name, after a reset, is none of this event's.
    world.at(DELETING, lambda: rds.databases.get(name) is there and rds.delete_db_instance(name, final, skip))
    return answer(call, f"<DBInstance><DBInstanceIdentifier>{name}</DBInstanceIdentifier><DBInstanceStatus>deleting</DBInstanceStatus></DBInstance>")


def after(call, world, told):
    status, headers, body = told
    if call.name in ("CreateDBInstance", "CreateDBInstanceReadReplica"):
        there = instance(call)
        there.status = "creating"
        if call.data.get("EnablePerformanceInsights"):
            there.performance_insights_enabled = call.data["EnablePerformanceInsights"] == "true"
        world.at(CREATING, lambda: there.status == "creating" and setattr(there, "status", "available"))
        return status, headers, body.replace(b">available<", b">creating<")
    if call.name == "ModifyDBInstance":
        modify(call, world, instance(call))
    return told


def modify(call, world, there):
    for name, kept in (("MultiAZ", "multi_az"), ("EnablePerformanceInsights", "performance_insights_enabled"), ("CopyTagsToSnapshot", "copy_tags_to_snapshot"), ("PubliclyAccessible", "publicly_accessible")):
        if name in call.data:
            setattr(there, kept, call.data[name] == "true")
    if "DBPortNumber" in call.data:
        there.port = int(call.data["DBPortNumber"])
    # moto reads such groups of its own making only.
    if "DBParameterGroupName" in call.data:
        there.db_parameter_group_name = call.data["DBParameterGroupName"]

    def start():
        if there.status == "available":
            there.status = "modifying"
            world.at(MODIFYING, lambda: there.status == "modifying" and setattr(there, "status", "available"))

    world.at(LAG, start)


# moto lets it be written, but not read.
DBInstance.db_subnet_group_name = DBInstance.db_subnet_group_name.getter(lambda self: self._db_subnet_group_name)

# moto takes a group that is changed out of its list.
_modify_subnet_group = RDSBackend.modify_db_subnet_group


def modify_subnet_group(self, subnet_name, description, subnets):
    group = self.subnet_groups[subnet_name] = _modify_subnet_group(self, subnet_name, description, subnets)
    return group


RDSBackend.modify_db_subnet_group = modify_subnet_group

# Fact: an endpoint is known when the instance is there, not before.
_endpoint = DBInstance.endpoint
DBInstance.endpoint = property(lambda self: None if self.status == "creating" else _endpoint.fget(self))


def in_subnet(account, region, subnet):
    rds = rds_backends[account][region]
    groups = {name for name, it in rds.subnet_groups.items() if any(one.id == subnet for one in it._subnets)}
    return [it.db_instance_identifier for it in rds.databases.values() if it.db_subnet_group_name in groups]


def in_group(account, region, group):
    return [it.db_instance_identifier for it in rds_backends[account][region].databases.values() if group in it.vpc_security_group_ids]


ec2.SUBNET_USERS.append(in_subnet)
ec2.GROUP_USERS.append(in_group)
