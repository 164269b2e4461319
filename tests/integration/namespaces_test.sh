#!/usr/bin/env bash
# Two "machines" as network namespaces: a run over both, then one whose network is cut in the middle.
# Needs root and `ip`, and is skipped where it has neither. Arguments: the program, a work folder.
set -u
gannet=$1 work=$2
source "$GANNET_SOURCE/tests/integration/common.sh"
a=gannet-a-$$ b=gannet-b-$$
ip netns add $a || skip "network namespaces need root and iproute2"
trap 'ip netns del $a; ip netns del $b' EXIT
ip netns add $b
ip link add veth-a netns $a type veth peer name veth-b netns $b || skip "no virtual network devices here"
for side in "$a veth-a 10.77.0.1" "$b veth-b 10.77.0.2"; do
  read -r space link address <<<"$side"
  ip -n "$space" address add "$address/24" dev "$link"; ip -n "$space" link set "$link" up; ip -n "$space" link set lo up
done
make_tiny_set
export WORLD_SIZE=2 MASTER_ADDR=10.77.0.1 MASTER_PORT=29511
train=("$gannet" train --data demo/demo.yaml --cfg small.yaml --img 96 --batch 16 --project runs --workers 1 --precision fp32)

RANK=1 ip netns exec $b timeout 120 "${train[@]}" --epochs 1 --name both >b.txt 2>&1 & other=$!
RANK=0 ip netns exec $a timeout 120 "${train[@]}" --epochs 1 --name both >a.txt 2>&1 || fail "rank 0: $(tail -n 1 a.txt)"
wait $other || fail "rank 1: $(tail -n 1 b.txt)"
[[ -s runs/both/results.txt ]] || fail "no results"
echo "checked: a run over two machines"

RANK=1 ip netns exec $b timeout 120 "${train[@]}" --epochs 200 --name cut --dist-timeout 5 >b.txt 2>&1 & other=$!
RANK=0 ip netns exec $a timeout 120 "${train[@]}" --epochs 200 --name cut --dist-timeout 5 >a.txt 2>&1 & main=$!
wait_for 60 test -f runs/cut/weights/last.pt
ip -n $b link set veth-b down; start=$SECONDS
wait $main; first=$?
wait $other; second=$?
[[ $first == 4 && $second == 4 && $((SECONDS - start)) -le 40 ]] || fail "network cut: exit status $first and $second after $((SECONDS - start)) s"
grep -q "^error: .*rank 1 .*no longer answers" a.txt || fail "network cut: rank 0 says $(grep error a.txt)"
grep -q "^error: .*rank 0 .*no longer answers" b.txt || fail "network cut: rank 1 says $(grep error b.txt)"
(unset WORLD_SIZE; timeout 60 "$gannet" train --resume runs/cut/weights/last.pt --dry-run >/dev/null 2>&1) || fail "network cut: cannot be resumed"
echo "checked: a network that is cut, ended after $((SECONDS - start)) s"
end_of_test
