"""Plays Auto Scaling to ops/aws/lifecycle-hook, with moto's server and a control plane of two answers.

moto knows groups, instances and hooks, but no lifecycle actions: those two calls are added here, refusing what AWS
refuses. Prints what happened; exit status 0 when it was what should happen.
"""

import http.server
import json
import logging
import os
import subprocess
import sys
import threading
import time

import boto3
from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.models import autoscaling_backends
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import EmptyResult
from moto.server import ThreadedMotoServer

REGION, HOOK, GROUP = "eu-central-1", "drain", "edges"
events = []
condition = threading.Condition()


def note(event):
    with condition:
        events.append(event)
        condition.notify_all()


def wait_for(event, seconds=30):
    with condition:
        if not condition.wait_for(lambda: event in events, seconds):
            sys.exit(f"not within {seconds} s: {event}; happened: {events}")


def wait_for_count(event, count, seconds=30):
    with condition:
        if not condition.wait_for(lambda: events.count(event) >= count, seconds):
            sys.exit(f"not {count} times within {seconds} s: {event}; happened: {events}")


def instances(response):
    return {i.instance.id: i for g in response.autoscaling_backend.autoscaling_groups.values() for i in g.instance_states}


def action(response):
    get = response._get_param
    hooks = response.autoscaling_backend.describe_lifecycle_hooks(get("AutoScalingGroupName"), [])
    if not any(hook.name == get("LifecycleHookName") for hook in hooks):
        raise ValueError("no such hook")
    state = instances(response)[get("InstanceId")]
    if state.lifecycle_state != "Terminating:Wait":
        raise ValueError("no lifecycle action is waiting")
    return state


def complete_lifecycle_action(response):
    state = action(response)
    state.lifecycle_state = "Terminating:Proceed"
    note("completed " + response._get_param("LifecycleActionResult"))
    return EmptyResult()


def record_lifecycle_action_heartbeat(response):
    action(response)
    note("heartbeat")
    return EmptyResult()


def refuse_to_end(_):
    note("refused")
    raise ValidationError("the group would be below its minimum")


class ControlPlane(http.server.BaseHTTPRequestHandler):
    answer = {"leave": False, "forScaling": False, "state": "alive", "deadline": None, "sessionsLeft": 2, "safeToTerminate": False}

    def respond(self):
        if self.headers.get("Authorization") != "Bearer node-token":
            return self.send_error(401)
        body = json.dumps(ControlPlane.answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        note("asked " + self.path)
        self.respond()

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        note("posted " + self.path)
        self.respond()

    def do_DELETE(self):
        note("deleted " + self.path)
        self.respond()

    def log_message(self, *_):
        pass


def make_group(endpoint):
    ec2 = boto3.client("ec2", region_name=REGION, endpoint_url=endpoint)
    image = ec2.describe_images()["Images"][0]["ImageId"]
    client = boto3.client("autoscaling", region_name=REGION, endpoint_url=endpoint)
    client.create_launch_configuration(LaunchConfigurationName="lc", ImageId=image, InstanceType="t3.small")
    client.create_auto_scaling_group(
        AutoScalingGroupName=GROUP, LaunchConfigurationName="lc", MinSize=0, MaxSize=3, DesiredCapacity=2,
        AvailabilityZones=[REGION + "a"])
    client.put_lifecycle_hook(
        LifecycleHookName=HOOK, AutoScalingGroupName=GROUP,
        LifecycleTransition="autoscaling:EC2_INSTANCE_TERMINATING")
    group = client.describe_auto_scaling_groups()["AutoScalingGroups"][0]
    return client, [instance["InstanceId"] for instance in group["Instances"]]


def start_hook(program, instance, endpoint, control):
    environment = dict(os.environ, AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test",
                       MILLRACE_NODE_TOKEN="node-token")
    return subprocess.Popen(
        [sys.executable, program, "--node-id", "edge1", "--hook", HOOK, "--instance", instance, "--region", REGION,
         "--endpoint-url", endpoint, "--control", control, "--interval", "0.1", "--heartbeat", "0.2"],
        env=environment)


def main():
    program = sys.argv[1]
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test")
    AutoScalingResponse.complete_lifecycle_action = complete_lifecycle_action
    AutoScalingResponse.record_lifecycle_action_heartbeat = record_lifecycle_action_heartbeat
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    control = http.server.ThreadingHTTPServer(("127.0.0.1", 0), ControlPlane)
    threading.Thread(target=control.serve_forever, daemon=True).start()
    endpoint, url = f"http://{host}:{port}", f"http://127.0.0.1:{control.server_port}"
    client, (first, second) = make_group(endpoint)
    backend = autoscaling_backends["123456789012"][REGION]
    states = {i.instance.id: i for i in backend.autoscaling_groups[GROUP].instance_states}

    # Auto Scaling decides: nothing is completed before it is safe.
    hook = start_hook(program, first, endpoint, url)
    try:
        wait_for("asked /v1/nodes/edge1/leave")
        states[first].lifecycle_state = "Terminating:Wait"
        # Again when the node serves again: it restarted.
        wait_for_count("posted /v1/nodes/edge1/drain", 2)
        wait_for("heartbeat")
        if "completed CONTINUE" in events:
            sys.exit("completed while sessions were left")
        ControlPlane.answer = dict(ControlPlane.answer, leave=True, sessionsLeft=0, safeToTerminate=True)
        wait_for("completed CONTINUE")
        if hook.wait(20) != 0:
            sys.exit("the hook did not end well")
    finally:
        hook.kill()

    # An operator drains: that is nothing to the instance. Scaling decides: the instance goes, and the wanted capacity with
    # it; where AWS keeps it, the node serves on.
    end = AutoScalingResponse.terminate_instance_in_auto_scaling_group
    AutoScalingResponse.terminate_instance_in_auto_scaling_group = refuse_to_end
    events.clear()
    hook = start_hook(program, second, endpoint, url)
    try:
        wait_for_count("asked /v1/nodes/edge1/leave", 5)
        if "refused" in events:
            sys.exit("an operator's drain ended the instance")
        ControlPlane.answer = dict(ControlPlane.answer, forScaling=True)
        wait_for("deleted /v1/nodes/edge1/drain")
        AutoScalingResponse.terminate_instance_in_auto_scaling_group = end
        deadline = time.monotonic() + 30
        while client.describe_auto_scaling_groups()["AutoScalingGroups"][0]["DesiredCapacity"] != 1:
            if time.monotonic() > deadline:
                sys.exit("the instance was not ended")
            time.sleep(0.1)
    finally:
        hook.kill()
        hook.wait()
    moto.stop()
    print("lifecycle: as it should be")


if __name__ == "__main__":
    main()
