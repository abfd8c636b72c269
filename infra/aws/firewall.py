"""The firewall in front of the load balancer, where an environment wants one."""

from typing import Any

from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from infra.environments import Environment

MANAGED = {
    "AWSManagedRulesAmazonIpReputationList": (),
    "AWSManagedRulesKnownBadInputsRuleSet": (),
    # A batch of leads is longer than the 8 KB that this rule allows, and the service has MAX_BODY_BYTES of its own.
    "AWSManagedRulesCommonRuleSet": ("SizeRestrictions_BODY",),
}
"""Rules of AWS's, and those among them that only count."""


def firewall(scope: Construct, environment: Environment, balancer: elb.ApplicationLoadBalancer) -> None:
    """Refuses addresses of bad repute, known attacks, and who sends too much."""
    acl = waf.CfnWebACL(
        scope,
        "Firewall",
        default_action={"allow": {}},
        scope="REGIONAL",
        visibility_config=seen("Firewall"),
        rules=[
            waf.CfnWebACL.RuleProperty(
                name="TooManyRequests",
                priority=0,
                action={"block": {}},
                statement={
                    "rateBasedStatement": {"aggregateKeyType": "IP", "limit": environment.aws.firewall_requests}
                },
                visibility_config=seen("TooManyRequests"),
            ),
            *(managed(priority, name, MANAGED[name]) for priority, name in enumerate(MANAGED, 1)),
        ],
    )
    waf.CfnWebACLAssociation(
        scope, "FirewallOfBalancer", resource_arn=balancer.load_balancer_arn, web_acl_arn=acl.attr_arn
    )


def managed(priority: int, name: str, counted: tuple[str, ...]) -> waf.CfnWebACL.RuleProperty:
    """A set of AWS's rules."""
    overrides = [{"name": rule, "actionToUse": {"count": {}}} for rule in counted]
    group: dict[str, Any] = {"vendorName": "AWS", "name": name}
    if overrides:
        group["ruleActionOverrides"] = overrides
    return waf.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        override_action={"none": {}},
        statement={"managedRuleGroupStatement": group},
        visibility_config=seen(name),
    )


def seen(name: str) -> dict[str, Any]:
    """What of a rule is counted."""
    return {"cloudWatchMetricsEnabled": True, "metricName": name, "sampledRequestsEnabled": False}
